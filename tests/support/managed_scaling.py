"""A provider "burst" whose nodes real Karpenter brings and takes away, and a Service "web" on it."""

from collections import Counter
from typing import Any

from support.cluster import Cluster
from support.manifests import capacity_provider, service, strategy, task_definition
from support.tasks import pods, wait_ready

Json = dict[str, Any]
POOL = "karpenter.sh/nodepool"
NODE_CLASS = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
# Each task asks for a core, and each node has eight, of which seven are left. One zone: over several, tasks are spread.
NODE = [
    {"key": "karpenter.kwok.sh/instance-cpu", "operator": "In", "values": ["8"]},
    {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["test-zone-a"]},
]
ALL_AT_ONCE: Json = {"budgets": [{"nodes": "100%"}]}
TASK = {"cpu": "1024", "memory": "2048"}


def provider(name: str = "burst", *, managed: Json | None = None, karpenter: Json | None = None, **spec: Any) -> Json:
    pool = {
        "nodeClassRef": NODE_CLASS,
        "requirements": NODE,
        "consolidateAfter": "0s",
        **ALL_AT_ONCE,
        **(karpenter or {}),
    }
    scaling = {"karpenter": pool, **(managed or {})}
    made = capacity_provider(name, type="EC2", managedScaling=scaling, **spec)
    made["spec"].pop("nodes")
    return made


def running(cluster: Cluster, namespace: str, count: int, within: float = 180) -> Json:
    found = wait_ready(cluster, namespace, within=within)
    assert found["status"]["runningCount"] == count
    return found


def scale(cluster: Cluster, namespace: str, count: int) -> None:
    cluster.patch("ecssvc", "web", namespace, {"spec": {"desiredCount": count}})


def nodes(cluster: Cluster, pool: str = "burst") -> dict[str, Json]:
    return {one["metadata"]["name"]: one for one in cluster.all("nodes", selector=f"{POOL}={pool}")}


def placed(cluster: Cluster, namespace: str) -> Counter[str]:
    """Tasks by node."""
    return Counter(one["spec"].get("nodeName", "") for one in pods(cluster, namespace))


def reason(cluster: Cluster, name: str = "burst") -> str:
    return str(cluster.condition("cprov", name, "").get("reason"))


def deployed(cluster: Cluster, namespace: str, count: int) -> None:
    cluster.apply(
        task_definition(**TASK),
        service(desiredCount=count, capacityProviderStrategy=strategy(burst=(0, 1))),
        namespace=namespace,
    )
    running(cluster, namespace, count)
