"""A notice on a real node, half a minute before it goes, under constant load: no request feels it."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest

from berth.lab import Lab
from berth.lab.second_node import LINK
from support.cluster import Cluster, Json, prepared
from support.lab_name import lab_name
from support.manifests import capacity_provider, service, strategy, task_definition
from support.operator import Operator
from support.real_pods import require_real_pods
from support.tasks import pods, wait_ready
from support.traffic import Traffic
from support.waiting import eventually

NOTICE_SECONDS = 30
SPOT = "example.com/spot"
TASKS = 4
PROBE = {
    "name": "web",
    "image": "berth.local/probe:1",
    "command": ["serve", "-port", "8080"],
    "portMappings": [{"containerPort": 8080, "name": "http"}],
    "healthCheck": {"command": ["CMD-SHELL", "wget -q -O- http://localhost:8080/healthz"], "interval": 5},
}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """Two real nodes, of which the second can be taken away, and the operator beside them."""
    require_real_pods()
    with Lab(lab_name(), nodes="real:2", tie_to_parent=True) as lab:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        log = tmp_path_factory.mktemp("operator") / "berth.log"
        with Operator(lab.kubeconfig, log, healthy_seconds="3") as running:
            running.wait_listed()
            yield cluster


def _lab(cluster: Cluster) -> Lab:
    assert cluster.lab is not None
    return cluster.lab


def _nodes(cluster: Cluster, namespace: str) -> set[str]:
    return {pod["spec"].get("nodeName", "") for pod in pods(cluster, namespace)}


def _plain() -> Json:
    """The same program without Berth: what the node's end does to a Deployment."""
    container = {
        "name": "web",
        "image": "berth.local/probe:1",
        "args": ["serve", "-port", "8080"],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5},
    }
    labels = {"app": "plain"}
    pod = {"metadata": {"labels": labels}, "spec": {"nodeSelector": {SPOT: "yes"}, "containers": [container]}}
    spec = {"replicas": TASKS, "selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "plain"}, "spec": spec}


def _address(cluster: Cluster, name: str) -> str:
    found = cluster.get("svc", name, "default")
    assert found is not None
    return f"{found['spec']['clusterIP']}:8080"


def test_no_request_fails_when_a_node_goes_half_a_minute_after_its_notice(two: Cluster, tmp_path: Path) -> None:
    two.kubectl("label", "node", "node1", f"{SPOT}=yes")
    spot = capacity_provider("spot", type="EC2", spot=True)
    spot["spec"]["nodes"] = {"selector": {SPOT: "yes"}}
    wanted = service(desiredCount=TASKS, capacityProviderStrategy=strategy(spot=(0, 1)))
    definition = task_definition(containerDefinitions=[PROBE], cpu="64", memory="64")
    two.apply(spot)
    two.apply(definition, wanted, _plain(), namespace="default")
    two.kubectl("expose", "deployment", "plain", "--port=8080")
    two.kubectl("rollout", "status", "deployment/plain", "--timeout=180s")
    wait_ready(two, "default", within=180)
    assert _nodes(two, "default") == {"node1"}
    two.kubectl("label", "node", "node0", f"{SPOT}=yes")

    ours = Traffic(two, _address(two, "web"), str(tmp_path / "ours"))
    theirs = Traffic(two, _address(two, "plain"), str(tmp_path / "theirs"), batch=5)
    try:
        gone = time.monotonic() + NOTICE_SECONDS
        two.kubectl("taint", "node", "node1", "karpenter.sh/disrupted=:NoSchedule")
        eventually(lambda: _nodes(two, "default") == {"node0"}, NOTICE_SECONDS, "all tasks have left in time")
        eventually(lambda: time.monotonic() >= gone, NOTICE_SECONDS + 1)
        _lab(two).inside(["ip", "link", "set", LINK, "down"])
        two.kubectl("delete", "node", "node1")
        wait_ready(two, "default")
        after = time.monotonic() + 10
        eventually(lambda: time.monotonic() >= after, 11)
    finally:
        felt, control = ours.stop(), theirs.stop()
    assert set(felt) == {"200"}, "a request failed"
    assert len(felt) > 1000, "too few requests to tell"
    assert set(control) > {"200"}, "the node did not go, or nobody would have felt it"
