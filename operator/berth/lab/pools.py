"""The node pools of a lab: plain ones of Berth's own convention, and the true labels and taints of each platform."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from berth.lab.errors import LabError

REGION = "eu-west-1"
ZONES = "abc"
METRICS_PATH = "metrics.k8s.io/resource-metrics-path"
KWOK = "kwok.x-k8s.io/node"


@dataclass(frozen=True)
class Taint:
    """A node's taint; all of the lab's forbid scheduling."""

    key: str
    value: str


@dataclass(frozen=True)
class Pool:
    """What the nodes of one pool have in common."""

    instance_type: str
    labels: dict[str, str] = field(default_factory=dict[str, str])
    taints: tuple[Taint, ...] = ()
    cpu: str = "16"
    memory: str = "64Gi"


@dataclass(frozen=True)
class PlannedNode:
    """A node to create."""

    name: str
    pool: str
    zone: str


def _plain(name: str) -> Pool:
    """Return a pool of the preset `plain`: Berth's label and the same as a taint."""
    key = "berth.dev/capacity-provider"
    return Pool("m7i.4xlarge", {key: name}, (Taint(key, name),))


def _platform(name: str, instance_type: str, labels: dict[str, str]) -> Pool:
    """Return a pool whose platform taints nothing by itself.

    In a mixed cluster its nodes would draw every pod, so the lab does what such a cluster's owner does: it taints them.
    """
    return Pool(instance_type, labels, (Taint("berth.dev/platform", name),))


def _tainted(instance_type: str, labels: dict[str, str], key: str, value: str) -> Pool:
    return Pool(instance_type, labels, (Taint(key, value),))


def _karpenter(name: str, capacity: str) -> Pool:
    labels = {
        "karpenter.sh/capacity-type": capacity,
        "karpenter.sh/nodepool": name,
        "karpenter.sh/registered": "true",
        "karpenter.sh/initialized": "true",
        "karpenter.k8s.aws/instance-category": "m",
        "karpenter.k8s.aws/instance-family": "m7i",
        "karpenter.k8s.aws/instance-size": "4xlarge",
    }
    return _platform(name, "m7i.4xlarge", labels)


def _eks(name: str, capacity: str) -> Pool:
    return _platform(
        name, "m7i.4xlarge", {"eks.amazonaws.com/capacityType": capacity, "eks.amazonaws.com/nodegroup": name}
    )


POOLS: dict[str, Pool] = {
    "general": Pool("m7i.4xlarge"),
    "fargate": _plain("fargate"),
    "fargate-spot": _plain("fargate-spot"),
    "ec2": _plain("ec2"),
    "karpenter": _karpenter("karpenter", "on-demand"),
    "karpenter-spot": _karpenter("karpenter-spot", "spot"),
    "eks": _eks("eks", "ON_DEMAND"),
    "eks-spot": _eks("eks-spot", "SPOT"),
    "eks-fargate": _tainted(
        "fargate",
        {"eks.amazonaws.com/compute-type": "fargate"},
        "eks.amazonaws.com/compute-type",
        "fargate",
    ),
    "gke": _platform(
        "gke",
        "n2-standard-16",
        {"cloud.google.com/gke-nodepool": "standard", "cloud.google.com/gke-provisioning": "standard"},
    ),
    # GKE leaves this taint to the administrator, and its own guide tells to put it on.
    "gke-spot": _tainted(
        "n2-standard-16",
        {
            "cloud.google.com/gke-nodepool": "spot",
            "cloud.google.com/gke-provisioning": "spot",
            "cloud.google.com/gke-spot": "true",
        },
        "cloud.google.com/gke-spot",
        "true",
    ),
    "aks": _platform("aks", "Standard_D16s_v5", {"kubernetes.azure.com/agentpool": "regular"}),
    "aks-spot": _tainted(
        "Standard_D16s_v5",
        {"kubernetes.azure.com/agentpool": "spot", "kubernetes.azure.com/scalesetpriority": "spot"},
        "kubernetes.azure.com/scalesetpriority",
        "spot",
    ),
    "aks-virtual": _tainted(
        "virtual-kubelet",
        {"type": "virtual-kubelet", "kubernetes.io/role": "agent"},
        "virtual-kubelet.io/provider",
        "azure",
    ),
}

# What each further node of a large cluster becomes, in turn, once every pool has its first.
GROWTH = ("fargate", "general", "fargate-spot", "ec2", "fargate", "general")


def plan(count: int) -> tuple[PlannedNode, ...]:
    """Spread a number of nodes over the pools: one of each, the plain ones first, and the rest plain."""
    order = [*POOLS][:count]
    while len(order) < count:
        order.append(GROWTH[(len(order) - len(POOLS)) % len(GROWTH)])
    numbers = dict.fromkeys(POOLS, 0)
    nodes: list[PlannedNode] = []
    for pool in sorted(order, key=[*POOLS].index):
        nodes.append(PlannedNode(f"{pool}-{numbers[pool]}", pool, ZONES[numbers[pool] % len(ZONES)]))
        numbers[pool] += 1
    return tuple(nodes)


def manifest(node: PlannedNode, *, ready: bool = True) -> dict[str, Any]:
    """Return the Node object. One that shall never be ready lacks the annotation by which KWOK takes it for its own."""
    if node.pool not in POOLS:
        raise LabError(f"no pool {node.pool}; there are {', '.join(POOLS)}")
    pool = POOLS[node.pool]
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        "node.kubernetes.io/instance-type": pool.instance_type,
        "topology.kubernetes.io/region": REGION,
        "topology.kubernetes.io/zone": f"{REGION}{node.zone}",
        "berth.dev/lab-pool": node.pool,
        **pool.labels,
    }
    size = {"cpu": pool.cpu, "memory": pool.memory, "pods": "500", "ephemeral-storage": "200Gi"}
    # One program answers as the kubelet of all simulated nodes, so each has a path of its own there.
    annotations = {KWOK: "fake", METRICS_PATH: f"/metrics/nodes/{node.name}/metrics/resource"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": labels, "annotations": annotations if ready else {}},
        "spec": {"taints": [{"key": t.key, "value": t.value, "effect": "NoSchedule"} for t in pool.taints]},
        "status": {"capacity": size, "allocatable": size},
    }


def manifests(nodes: Iterable[PlannedNode]) -> list[dict[str, Any]]:
    """Return the Node objects of a plan."""
    return [manifest(node) for node in nodes]
