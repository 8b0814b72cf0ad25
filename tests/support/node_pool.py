"""Nodes of a test's own, with labels as it wants them, and a capacity provider that leads there."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from berth.lab import pools
from support.cluster import Cluster
from support.manifests import POOL, capacity_provider
from support.tasks import pods
from support.waiting import eventually

Json = dict[str, Any]
ZONE = "topology.kubernetes.io/zone"
NOT_READY = "node.kubernetes.io/not-ready"
TYPE = "node.kubernetes.io/instance-type"


@contextmanager
def node_pool(cluster: Cluster, name: str, *nodes: dict[str, str], cpu: str = "16") -> Generator[None]:
    """A pool and its provider; the n-th node is called NAME-n. Both are gone afterwards."""
    try:
        join(cluster, name, *nodes, cpu=cpu)
        cluster.apply(capacity_provider(name, type="EC2"))
        yield
    finally:
        cluster.kubectl("delete", "cprov", name, "--ignore-not-found")
        cluster.kubectl("delete", "nodes", "-l", f"{POOL}={name}", "--wait=false")


def join(cluster: Cluster, pool: str, *nodes: dict[str, str], cpu: str = "16", first: int = 0) -> None:
    """More nodes for a pool, there when this returns."""
    manifests: list[Json] = []
    for number, labels in enumerate(nodes, first):
        body = pools.manifest(pools.PlannedNode(f"{pool}-{number}", "general", "a"))
        body["metadata"]["labels"] |= {POOL: pool, **labels}
        body["spec"]["taints"] = [{"key": POOL, "value": pool, "effect": "NoSchedule"}]
        body["status"] = {part: {**sizes, "cpu": cpu} for part, sizes in body["status"].items()}
        manifests.append(body)
    cluster.apply(*manifests)
    names = {one["metadata"]["name"] for one in manifests}
    eventually(lambda: names <= open_nodes(cluster, f"{POOL}={pool}"), what=f"the nodes of {pool} take pods")


def open_nodes(cluster: Cluster, selector: str) -> set[str]:
    """Nodes that are ready and whose taint from before is gone, which it is a moment later."""
    ready = {"type": "Ready", "status": "True"}.items()
    return {
        str(node["metadata"]["name"])
        for node in cluster.all("nodes", selector=selector)
        if any(ready <= one.items() for one in node["status"].get("conditions", ()))
        and all(taint["key"] != NOT_READY for taint in node["spec"].get("taints", ()))
    }


def places(cluster: Cluster, namespace: str, service: str = "web") -> dict[str, int]:
    """Tasks by node, those without one under the empty name."""
    return dict(Counter(pod["spec"].get("nodeName", "") for pod in pods(cluster, namespace, service)))


def zones(cluster: Cluster, namespace: str, service: str = "web") -> dict[str, int]:
    """Tasks by the last letter of their zone."""
    letters = {one["metadata"]["name"]: one["metadata"]["labels"][ZONE][-1] for one in cluster.all("nodes")}
    found = [pod["spec"].get("nodeName", "") for pod in pods(cluster, namespace, service)]
    return dict(sorted(Counter(letters.get(name, "") for name in found).items()))


def settle(cluster: Cluster, namespace: str, expected: dict[str, int], service: str = "web") -> None:
    """Until the Service's tasks are on these nodes."""
    eventually(lambda: places(cluster, namespace, service) == expected, 120, f"{service} runs on {expected}")
