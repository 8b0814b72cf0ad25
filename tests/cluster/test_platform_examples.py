"""The manifests of docs/capacity.md, each on nodes that look as its platform makes them."""

from collections.abc import Generator
from typing import Any

import pytest
import yaml

from support import platforms
from support.cluster import ROOT, Cluster
from support.manifests import service, strategy, task_definition
from support.tasks import pods, wait_ready

Json = dict[str, Any]
EXAMPLES = sorted((ROOT / "examples/platforms").glob("*.yaml"))
# What each provider of the examples is for, in the words of the tests' nodes.
MEANT = {
    "fargate": {"on-demand", "reserved"},
    "fargate-spot": {"spot", "tainted-spot"},
    "ec2": {"on-demand", "reserved"},
    "burst": {"virtual"},
}


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> Generator[None]:
    platforms.make(cluster)
    yield
    platforms.remove(cluster)


def _providers() -> list[tuple[str, Json]]:
    """Every provider of every example; Fargate of EKS needs its admission, which test_presets.py plays."""
    return [
        (file.stem, one)
        for file in EXAMPLES
        for one in yaml.safe_load_all(file.read_text())
        if one["spec"]["nodes"]["preset"] != "eks-fargate"
    ]


@pytest.mark.usefixtures("operator", "nodes")
@pytest.mark.parametrize(
    ("platform", "provider"),
    _providers(),
    ids=lambda value: value if isinstance(value, str) else value["metadata"]["name"],
)
def test_a_platforms_example_places_its_tasks(cluster: Cluster, namespace: str, platform: str, provider: Json) -> None:
    meant = MEANT[provider["metadata"]["name"]]
    name = f"test-{platform}-{provider['metadata']['name']}"
    nodes: Json = provider["spec"]["nodes"]
    words = platforms.only_there(nodes["preset"])
    here = {"selector": {**nodes.get("selector", {}), **words["selector"]}, "tolerations": words["tolerations"]}
    spec = {**provider["spec"], "nodes": {**nodes, **here}}
    cluster.apply({**provider, "metadata": {"name": name}, "spec": spec})
    try:
        mine = strategy(**{name: (0, 1)})
        cluster.apply(task_definition(), service(desiredCount=3, capacityProviderStrategy=mine), namespace=namespace)
        wait_ready(cluster, namespace)
        labels = {one["metadata"]["name"]: one["metadata"]["labels"] for one in cluster.all("nodes")}
        used = {labels[pod["spec"]["nodeName"]][platforms.CAPACITY] for pod in pods(cluster, namespace)}
        assert used
        assert used <= meant
    finally:
        cluster.delete("cprov", name)
