"""The plan of a lab's nodes, and the labels and taints by which each platform is known."""

from collections import Counter

import pytest

from berth.lab import LabError
from berth.lab.pools import POOLS, PlannedNode, manifest, plan


def test_twenty_nodes_cover_every_platform_and_are_plain_mostly() -> None:
    pools = Counter(node.pool for node in plan(20))
    assert set(pools) == set(POOLS)
    assert pools["fargate"] == 3
    assert pools["general"] == 3
    assert pools["fargate-spot"] == pools["ec2"] == 2


@pytest.mark.parametrize("count", [0, 1, 4, 14, 20, 500])
def test_a_plan_has_as_many_nodes_as_asked_with_names_of_their_own(count: int) -> None:
    assert len({node.name for node in plan(count)}) == count


def test_a_small_plan_takes_the_plain_pools_first() -> None:
    assert [node.pool for node in plan(4)] == ["general", "fargate", "fargate-spot", "ec2"]


def test_a_pool_spreads_over_three_zones() -> None:
    assert {node.zone for node in plan(20) if node.pool == "fargate"} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("pool", "label", "taint"),
    [
        ("fargate", "berth.dev/capacity-provider=fargate", "berth.dev/capacity-provider=fargate"),
        ("fargate-spot", "berth.dev/capacity-provider=fargate-spot", "berth.dev/capacity-provider=fargate-spot"),
        ("ec2", "berth.dev/capacity-provider=ec2", "berth.dev/capacity-provider=ec2"),
        ("karpenter", "karpenter.sh/capacity-type=on-demand", "berth.dev/platform=karpenter"),
        ("karpenter-spot", "karpenter.sh/capacity-type=spot", "berth.dev/platform=karpenter-spot"),
        ("eks", "eks.amazonaws.com/capacityType=ON_DEMAND", "berth.dev/platform=eks"),
        ("eks-spot", "eks.amazonaws.com/capacityType=SPOT", "berth.dev/platform=eks-spot"),
        ("eks-fargate", "eks.amazonaws.com/compute-type=fargate", "eks.amazonaws.com/compute-type=fargate"),
        ("gke", "cloud.google.com/gke-provisioning=standard", "berth.dev/platform=gke"),
        ("gke-spot", "cloud.google.com/gke-spot=true", "cloud.google.com/gke-spot=true"),
        ("aks-spot", "kubernetes.azure.com/scalesetpriority=spot", "kubernetes.azure.com/scalesetpriority=spot"),
        ("aks-virtual", "type=virtual-kubelet", "virtual-kubelet.io/provider=azure"),
    ],
)
def test_a_node_carries_its_platforms_label_and_taint(pool: str, label: str, taint: str) -> None:
    node = manifest(PlannedNode("n", pool, "b"))
    key, _, value = label.partition("=")
    assert node["metadata"]["labels"][key] == value
    assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == "eu-west-1b"
    assert [f"{t['key']}={t['value']}:{t['effect']}" for t in node["spec"]["taints"]] == [f"{taint}:NoSchedule"]


def test_a_general_node_has_no_taint() -> None:
    assert manifest(PlannedNode("n", "general", "a"))["spec"]["taints"] == []


def test_an_unknown_pool_is_refused_with_those_there_are() -> None:
    with pytest.raises(LabError, match="no pool mainframe; there are general, fargate"):
        manifest(PlannedNode("n", "mainframe", "a"))
