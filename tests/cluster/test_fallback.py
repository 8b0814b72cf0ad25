"""Strategies, spot without room, and what a platform team does to its providers: on a real scheduler and its nodes."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from berth import names
from berth.plan.pod_record import keep
from support.cluster import Cluster, Json
from support.healthy import Healthy
from support.manifests import capacity_provider, service, strategy, task_definition
from support.tasks import pods, split, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "providers")

FALLBACK = {"to": "fargate", "after": "3s", "returnAfter": "15s", "maxMoving": 1}


def _spot_nodes(cluster: Cluster) -> list[str]:
    return [
        node["metadata"]["name"]
        for node in cluster.all("nodes")
        if node["metadata"]["labels"].get(names.CAPACITY_PROVIDER) == "fargate-spot"
    ]


@contextmanager
def _no_room(cluster: Cluster) -> Generator[None]:
    """Spot nodes that take nobody, for a reason that is no notice."""
    nodes = _spot_nodes(cluster)
    cluster.kubectl("taint", "nodes", *nodes, "example.dev/full=:NoSchedule")
    try:
        yield
    finally:
        cluster.kubectl("taint", "nodes", *nodes, "example.dev/full-", check=False)


@pytest.fixture
def spot(cluster: Cluster) -> Generator[str]:
    """A spot provider of the test's own, on the lab's spot nodes, with a short patience."""
    name = "spot-with-fallback"
    cluster.apply(capacity_provider(name, "fargate-spot", spot=True, fallback=FALLBACK))
    yield name
    cluster.delete("cprov", name)


def _by_provider(cluster: Cluster, namespace: str) -> dict[str, int]:
    shown = (cluster.get("ecssvc", "web", namespace) or {})["status"]["capacityProviders"]
    return {one["capacityProvider"]: one["runningCount"] for one in shown if one["runningCount"]}


def _events(cluster: Cluster, namespace: str, reason: str) -> list[str]:
    return [one["note"] for one in cluster.all("events.events.k8s.io", namespace) if one["reason"] == reason]


def test_tasks_without_a_place_move_and_come_back(cluster: Cluster, namespace: str, spot: str) -> None:
    item: Json = {"capacityProvider": spot, "weight": 1}
    with _no_room(cluster):
        cluster.apply(task_definition(), service(desiredCount=3, capacityProviderStrategy=[item]), namespace=namespace)
        wait_ready(cluster, namespace)
        assert split(cluster, namespace) == {"fargate": 3}
        condition = cluster.condition("ecssvc", "web", namespace, "CapacityFallback")
        assert (condition["status"], condition["message"]) == (
            "True",
            f"3 tasks of {spot} on fargate: there was no place",
        )
        eventually(lambda: sum(_moved(cluster, namespace, spot)) == 3, what="events tell of each task")
    with Healthy(cluster, namespace) as healthy:
        eventually(lambda: _by_provider(cluster, namespace) == {spot: 3}, 180, "the tasks are back")
        wait_ready(cluster, namespace)
        assert (healthy.least, healthy.most) == (3, 4), "one comes back at a time, and is healthy before another stops"
    assert split(cluster, namespace) == {"fargate-spot": 3}
    back = lambda: cluster.condition("ecssvc", "web", namespace, "CapacityFallback")["status"] == "False"  # noqa: E731
    eventually(back, what="the Service says that they are back")
    assert eventually(lambda: _events(cluster, namespace, "CapacityReturn"))
    eventually(lambda: cluster.get("deployment", "web-fargate", namespace) is None, what="nothing is left there")


def _moved(cluster: Cluster, namespace: str, provider: str) -> list[int]:
    """How many tasks each event tells of: the API has whole seconds, in which one may wait longer than another."""
    sentence = re.compile(rf"\(service web\) (\d) tasks? found no place on {provider} for 3s and start on fargate\.")
    found = [sentence.fullmatch(one) for one in _events(cluster, namespace, "CapacityFallback")]
    assert all(found), _events(cluster, namespace, "CapacityFallback")
    return [int(one[1]) for one in found if one]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"nodeSelector": {"example.dev/none": "here"}}, "Unschedulable"),
        ({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "there-is-none"}}]}, "VolumeMissing"),
    ],
    ids=["no-node", "no-volume"],
)
def test_want_of_a_volume_is_no_want_of_a_node(cluster: Cluster, namespace: str, more: Json, reason: str) -> None:
    spec: Json = {"containers": [{"name": "main", "image": "example.invalid/none"}], **more}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lost"}, "spec": spec}, namespace=namespace)
    waits = lambda: cluster.condition("pod", "lost", namespace, "PodScheduled").get("status") == "False"  # noqa: E731
    eventually(waits, what="the scheduler has looked")
    kept = keep(cluster.get("pod", "lost", namespace) or {})
    assert [one["reason"] for one in kept["status"]["conditions"] if one["type"] == "PodScheduled"] == [reason]


@pytest.mark.parametrize(
    ("shares", "totals"),
    [
        ({"fargate": (2, 1), "fargate_spot": (0, 3)}, {10: (4, 6), 17: (6, 11), 5: (3, 2), 1: (1, 0)}),
        ({"fargate": (0, 1), "fargate_spot": (0, 4)}, {1: (1, 0), 5: (1, 4), 12: (3, 9), 20: (4, 16)}),
        ({"fargate": (1, 0), "fargate_spot": (0, 1)}, {5: (1, 4), 11: (1, 10), 2: (1, 1)}),
    ],
    ids=["base-2-and-1-to-3", "1-to-4", "base-alone"],
)
def test_the_pods_are_split_as_the_strategy_says(
    cluster: Cluster, namespace: str, shares: dict[str, tuple[int, int]], totals: dict[int, tuple[int, int]]
) -> None:
    cluster.apply(task_definition(), service(capacityProviderStrategy=strategy(**shares)), namespace=namespace)
    for total, (fargate, spot) in totals.items():
        cluster.kubectl("scale", "ecssvc/web", f"--replicas={total}", "-n", namespace)
        wait_ready(cluster, namespace)
        expected = {"fargate": fargate, "fargate-spot": spot}
        assert split(cluster, namespace) == {name: count for name, count in expected.items() if count}


def test_a_rebalance_moves_tasks_at_once_and_once(cluster: Cluster, namespace: str) -> None:
    old, new = strategy(fargate=(0, 1)), strategy(fargate=(1, 1), fargate_spot=(0, 3))
    cluster.apply(task_definition(), service(desiredCount=6, capacityProviderStrategy=old), namespace=namespace)
    wait_ready(cluster, namespace)
    cluster.apply(service(desiredCount=6, capacityProviderStrategy=new), namespace=namespace)
    wait_ready(cluster, namespace)
    assert split(cluster, namespace) == {"fargate": 6}, "a changed strategy moves nobody by itself"
    with Healthy(cluster, namespace) as healthy:
        cluster.kubectl("annotate", "ecssvc", "web", "berth.dev/rebalance=now", "-n", namespace)
        eventually(lambda: (cluster.get("ecssvc", "web", namespace) or {})["status"].get("rebalanced") == "now", 120)
        assert healthy.least >= 6
    assert split(cluster, namespace) == {"fargate": 3, "fargate-spot": 3}
    assert eventually(lambda: _events(cluster, namespace, "Rebalanced")) == [
        "(service web) is split as its strategy says: fargate 3, fargate-spot 3."
    ]
    assert len(cluster.all("controllerrevisions.apps", namespace)) == 2, "the record, and the provider that joined"


def test_a_deleted_provider_hands_its_tasks_over(cluster: Cluster, namespace: str) -> None:
    cluster.apply(capacity_provider("short-lived", "fargate-spot", spot=True))
    mix = strategy(fargate=(0, 1), short_lived=(0, 1))
    cluster.apply(task_definition(), service(desiredCount=4, capacityProviderStrategy=mix), namespace=namespace)
    wait_ready(cluster, namespace)
    with Healthy(cluster, namespace) as healthy:
        cluster.delete("cprov", "short-lived")
        eventually(lambda: cluster.get("deployment", "web-short-lived", namespace) is None, 120)
        assert healthy.least >= 4
    eventually(lambda: split(cluster, namespace) == {"fargate": 4}, what="its tasks run on the other provider")
    said = lambda: cluster.condition("ecssvc", "web", namespace)["reason"] == "CapacityProviderNotFound"  # noqa: E731
    eventually(said, what="the Service says why")
    assert len(pods(cluster, namespace)) == 4
