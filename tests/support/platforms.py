"""Nodes as each platform makes them: the labels and taints that are there without anybody's doing.

Written down from the platforms' documentation and not from plan/preset.py, so that the two can disagree.
"""

from dataclasses import dataclass
from typing import Any

from berth.lab.pools import KWOK, METRICS_PATH
from support.cluster import Cluster
from support.node_pool import open_nodes
from support.waiting import eventually

Json = dict[str, Any]
PLATFORM = "lab.berth.dev/platform"
CAPACITY = "lab.berth.dev/capacity"


@dataclass(frozen=True)
class Made:
    """One node of a platform."""

    platform: str
    capacity: str
    """on-demand, spot, or what else the platform has, in this test's words."""
    labels: dict[str, str]
    taints: tuple[tuple[str, str], ...] = ()
    """Key and value of each taint; all forbid scheduling."""

    @property
    def name(self) -> str:
        return f"{self.platform}-{self.capacity}"


def _karpenter(platform: str, capacity: str, **more: str) -> Made:
    labels = {"karpenter.sh/capacity-type": capacity, "karpenter.sh/nodepool": capacity}
    return Made(platform, capacity, labels | more)


_AUTO = {"eks.amazonaws.com/compute-type": "auto"}
_SPOT = "cloud.google.com/gke-spot"
NODES = (
    _karpenter("karpenter", "on-demand"),
    _karpenter("karpenter", "reserved"),
    _karpenter("karpenter", "spot"),
    Made(
        "eks-managed",
        "on-demand",
        {"eks.amazonaws.com/capacityType": "ON_DEMAND", "eks.amazonaws.com/nodegroup": "large"},
    ),
    Made("eks-managed", "spot", {"eks.amazonaws.com/capacityType": "SPOT"}),
    Made("eks-managed", "self-managed", {"node.kubernetes.io/lifecycle": "normal"}),
    Made("eks-auto", "on-demand", {**_AUTO, "karpenter.sh/capacity-type": "on-demand"}),
    Made("eks-auto", "spot", {**_AUTO, "karpenter.sh/capacity-type": "spot"}),
    Made("eks-auto", "beside-auto", {"karpenter.sh/capacity-type": "on-demand"}),
    Made(
        "gke",
        "on-demand",
        {"cloud.google.com/gke-provisioning": "standard", "cloud.google.com/gke-nodepool": "large"},
    ),
    Made("gke", "spot", {_SPOT: "true", "cloud.google.com/gke-provisioning": "spot"}),
    # Its own guide tells to put this taint on; node auto-provisioning does it by itself.
    Made("gke", "tainted-spot", {_SPOT: "true", "cloud.google.com/gke-provisioning": "spot"}, ((_SPOT, "true"),)),
    Made("gke", "preemptible", {"cloud.google.com/gke-preemptible": "true"}),
    Made("gke-autopilot", "on-demand", {}),
    Made("gke-autopilot", "spot", {_SPOT: "true"}, ((_SPOT, "true"),)),
    Made("aks", "on-demand", {"kubernetes.azure.com/mode": "user"}),
    Made(
        "aks",
        "spot",
        {"kubernetes.azure.com/scalesetpriority": "spot"},
        (("kubernetes.azure.com/scalesetpriority", "spot"),),
    ),
    Made("aks-virtual", "on-demand", {"kubernetes.azure.com/mode": "user"}),
    Made(
        "aks-virtual",
        "virtual",
        {"type": "virtual-kubelet", "kubernetes.io/role": "agent"},
        (("virtual-kubelet.io/provider", "azure"),),
    ),
    Made("eks-fargate", "on-demand", {"eks.amazonaws.com/capacityType": "ON_DEMAND"}),
    Made(
        "eks-fargate",
        "fargate",
        {"eks.amazonaws.com/compute-type": "fargate"},
        (("eks.amazonaws.com/compute-type", "fargate"),),
    ),
    Made("plain", "unmarked", {}),
)


def manifest(node: Made) -> Json:
    size = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "200Gi"}
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        "topology.kubernetes.io/zone": "eu-west-1a",
        PLATFORM: node.platform,
        CAPACITY: node.capacity,
        **node.labels,
    }
    # The taint of the lab keeps the pods of other tests away, who know nothing of these nodes.
    taints = [(PLATFORM, node.platform), *node.taints]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": labels,
            "annotations": {KWOK: "fake", METRICS_PATH: f"/metrics/nodes/{node.name}/metrics/resource"},
        },
        "spec": {"taints": [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in taints]},
        "status": {"capacity": size, "allocatable": size},
    }


def only_there(platform: str) -> Json:
    """What makes the nodes of one platform a pod's whole cluster, in the words of a CapacityProvider and of a pod."""
    return {
        "selector": {PLATFORM: platform},
        "tolerations": [{"key": PLATFORM, "operator": "Equal", "value": platform, "effect": "NoSchedule"}],
    }


def make(cluster: Cluster) -> None:
    """All nodes, once they are ready."""
    cluster.apply(*(manifest(node) for node in NODES))
    wanted = {node.name for node in NODES}
    eventually(lambda: open_nodes(cluster, PLATFORM) >= wanted, what="the platforms' nodes take pods")


def remove(cluster: Cluster) -> None:
    cluster.kubectl("delete", "nodes", "-l", PLATFORM, "--wait=false")
