"""Nodes that are about to go, on a real scheduler, real controllers and the real eviction API."""

import json
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from berth import names
from support.cluster import Cluster, Json
from support.healthy import Healthy
from support.manifests import service, strategy, task_definition
from support.tasks import pods, split, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "providers")

MIX = strategy(fargate=(1, 1), fargate_spot=(0, 3))
TEN = {"fargate": 4, "fargate-spot": 6}
FOUR = {"fargate-spot": 4}


def _ten(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(desiredCount=10, capacityProviderStrategy=MIX), namespace=namespace)
    wait_ready(cluster, namespace)
    assert split(cluster, namespace) == TEN


def _by_node(cluster: Cluster, namespace: str) -> Counter[str]:
    """Tasks on spot nodes."""
    spot = [
        pod for pod in pods(cluster, namespace) if pod["metadata"]["labels"][names.CAPACITY_PROVIDER] == "fargate-spot"
    ]
    return Counter(pod["spec"].get("nodeName", "") for pod in spot)


@contextmanager
def _noticed(cluster: Cluster, node: str, *taint: str) -> Generator[None]:
    cluster.kubectl(*(["taint", "node", node, *taint] if taint else ["cordon", node]))
    try:
        yield
    finally:
        cluster.kubectl(*(["taint", "node", node, f"{taint[0].split('=')[0]}-"] if taint else ["uncordon", node]))


@pytest.mark.parametrize("taint", [(), ("karpenter.sh/disrupted=:NoSchedule",)], ids=["cordon", "karpenter"])
def test_a_notice_moves_tasks_and_never_fewer_are_healthy(
    cluster: Cluster, namespace: str, taint: tuple[str, ...]
) -> None:
    _ten(cluster, namespace)
    node, count = _by_node(cluster, namespace).most_common(1)[0]
    with Healthy(cluster, namespace) as healthy, _noticed(cluster, node, *taint):
        _left(cluster, namespace, node, TEN)
        assert healthy.least >= 10, "a task stopped before another was healthy in its place"
        assert healthy.marked == count, "others were marked than those that had to go"
    deployments = cluster.all("controllerrevisions.apps", namespace)
    assert len(deployments) == 1, "a notice starts no deployment"
    assert not [pod for pod in pods(cluster, namespace) if names.DELETION_COST in pod["metadata"]["annotations"]]


@pytest.mark.parametrize(
    "taint",
    [
        "aws-node-termination-handler/spot-itn=event-1:NoSchedule",
        "aws-node-termination-handler/scheduled-maintenance=event-1:NoSchedule",
        "aws-node-termination-handler/asg-lifecycle-termination=event-1:NoSchedule",
        "aws-node-termination-handler/rebalance-recommendation=event-1:NoSchedule",
        "ToBeDeletedByClusterAutoscaler=1767323045:NoSchedule",
        "cloud.google.com/impending-node-termination=:NoSchedule",
        "remediator.kubernetes.azure.com/unschedulable=:NoSchedule",
        "remediator.aks.microsoft.com/unschedulable=:NoSchedule",
        "node.cloudprovider.kubernetes.io/shutdown=:NoSchedule",
    ],
    ids=lambda taint: taint.partition("=")[0],
)
def test_each_platforms_notice_moves_tasks(cluster: Cluster, namespace: str, taint: str) -> None:
    _four(cluster, namespace)
    node, count = _by_node(cluster, namespace).most_common(1)[0]
    with Healthy(cluster, namespace) as healthy, _noticed(cluster, node, taint):
        _left(cluster, namespace, node, FOUR)
        assert healthy.least >= 4
        assert healthy.marked == count


def test_a_node_that_is_out_of_service_loses_its_tasks_at_once_and_they_start_elsewhere(
    cluster: Cluster, namespace: str
) -> None:
    """Kubernetes itself ends them: somebody has said that they run no more."""
    _four(cluster, namespace)
    node = _by_node(cluster, namespace).most_common(1)[0][0]
    with _noticed(cluster, node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"):
        _left(cluster, namespace, node, FOUR)


def _four(cluster: Cluster, namespace: str) -> None:
    spot = strategy(fargate_spot=(0, 1))
    cluster.apply(task_definition(), service(desiredCount=4, capacityProviderStrategy=spot), namespace=namespace)
    wait_ready(cluster, namespace)


def _left(cluster: Cluster, namespace: str, node: str, expected: dict[str, int]) -> None:
    """All run elsewhere. That the status says Ready may be from before, and is no proof of it."""
    eventually(lambda: node not in _by_node(cluster, namespace), 120, f"the tasks have left {node}")
    eventually(lambda: split(cluster, namespace) == expected, 120, f"tasks run on {expected}")
    wait_ready(cluster, namespace)
    assert split(cluster, namespace) == expected


def test_a_drain_moves_instead_of_blocking_and_no_eviction_comes_too_early(cluster: Cluster, namespace: str) -> None:
    _ten(cluster, namespace)
    assert "Cannot evict" in _evict(cluster, namespace, pods(cluster, namespace)[0]["metadata"]["name"])
    node = _by_node(cluster, namespace).most_common(1)[0][0]
    with Healthy(cluster, namespace) as healthy:
        cluster.kubectl("drain", node, "--ignore-daemonsets", "--force", f"--pod-selector={names.SERVICE}=web")
        try:
            assert node not in _by_node(cluster, namespace)
            _left(cluster, namespace, node, TEN)
            assert healthy.least >= 10
        finally:
            cluster.kubectl("uncordon", node)


def _evict(cluster: Cluster, namespace: str, name: str) -> str:
    eviction: Json = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    return cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction), check=False).stderr
