"""Protected tasks and chosen ones, under the real controllers: who stays, who goes, and how many start in vain."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from berth import names
from berth.plan.moment import written
from support.cluster import Cluster, Json
from support.healthy import Healthy
from support.manifests import service, strategy, task_definition
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "providers")

ZONE = "topology.kubernetes.io/zone"


def _protect(cluster: Cluster, namespace: str, pod: Json, until: str = "") -> None:
    until = until or written(datetime.now(UTC) + timedelta(hours=1))
    cluster.patch(
        "pod", pod["metadata"]["name"], namespace, {"metadata": {"annotations": {names.PROTECT_UNTIL: until}}}
    )


def _pod(cluster: Cluster, namespace: str, pod: Json) -> Json | None:
    """That very pod, unless it is gone or going."""
    found = cluster.get("pod", pod["metadata"]["name"], namespace)
    return found if found and "deletionTimestamp" not in found["metadata"] else None


def _replicas(cluster: Cluster, namespace: str, name: str = "web") -> tuple[int, int]:
    """What a Deployment is asked for, and what it has."""
    found = cluster.get("deployment", name, namespace)
    assert found is not None
    return found["spec"]["replicas"], found["status"].get("replicas", 0)


def _detached(cluster: Cluster, namespace: str, pod: Json, left: int) -> None:
    """The task has left its Deployment, which has so many others."""
    eventually(lambda: _replicas(cluster, namespace) == (left, left), what=f"the Deployment has {left} tasks")
    found = _pod(cluster, namespace, pod)
    assert found is not None
    assert "pod-template-hash" not in found["metadata"]["labels"]
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["apiVersion"], owner["kind"], owner["controller"]) == ("berth.dev/v1alpha1", "Service", True)


def _message(cluster: Cluster, namespace: str) -> str:
    return str(cluster.condition("ecssvc", "web", namespace).get("message"))


def _protection(cluster: Cluster, namespace: str) -> str:
    return str(cluster.condition("ecssvc", "web", namespace, "TaskProtection").get("message"))


def _status(cluster: Cluster, namespace: str) -> Json:
    found = cluster.get("ecssvc", "web", namespace)
    assert found is not None
    status: Json = found["status"]
    return status


def test_a_protected_task_is_counted_and_outlives_scale_in_and_deployments(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(desiredCount=4), namespace=namespace)
    wait_ready(cluster, namespace)
    before = uids(cluster, namespace)
    mine = pods(cluster, namespace)[0]
    since = cluster.condition("ecssvc", "web", namespace)["lastTransitionTime"]
    with Healthy(cluster, namespace) as healthy:
        _protect(cluster, namespace, mine)
        _detached(cluster, namespace, mine, 3)
        healthy.catch_up()
        assert healthy.least >= 4, "a task stopped for it"
        assert len(healthy.seen) == 5, "more than the one was started in its place"
    assert uids(cluster, namespace) == before, "another task was stopped"
    eventually(lambda: _protection(cluster, namespace) == "1 task is protected", what="the status has caught up")
    eventually(lambda: _status(cluster, namespace)["runningCount"] == 4, what="the status counts it")
    assert _status(cluster, namespace)["capacityProviders"][0]["desiredCount"] == 4
    assert cluster.condition("ecssvc", "web", namespace)["lastTransitionTime"] == since, "it was not Ready for a while"
    _is_in_front(cluster, namespace, mine)
    _is_guarded(cluster, namespace, 4)

    cluster.kubectl("scale", "ecssvc/web", "--replicas=2", "-n", namespace)
    wait_ready(cluster, namespace)
    assert mine["metadata"]["uid"] in uids(cluster, namespace)
    assert len(pods(cluster, namespace)) == 2

    cluster.patch("ecssvc", "web", namespace, {"spec": {"forceNewDeployment": "1"}})
    eventually(lambda: "1 task that is to go is protected until" in _message(cluster, namespace), what="it waits")
    eventually(lambda: _replicas(cluster, namespace) == (2, 2), what="the new tasks are there")
    eventually(lambda: len(pods(cluster, namespace)) == 3, what="two new ones beside the protected one")
    assert _pod(cluster, namespace, mine) is not None
    assert cluster.condition("ecssvc", "web", namespace)["status"] == "False"

    _protect(cluster, namespace, mine, "2026-01-01T00:00:00Z")
    wait_ready(cluster, namespace)
    assert mine["metadata"]["uid"] not in uids(cluster, namespace)
    assert _replicas(cluster, namespace) == (2, 2)


def _is_in_front(cluster: Cluster, namespace: str, pod: Json) -> None:
    """The Service's address leads to it."""
    slices = cluster.all("endpointslices", namespace, "kubernetes.io/service-name=web")
    found = {one["targetRef"]["uid"] for each in slices for one in each["endpoints"] if one["conditions"]["ready"]}
    assert pod["metadata"]["uid"] in found


def _is_guarded(cluster: Cluster, namespace: str, count: int) -> None:
    """The disruption budget counts it with the others."""

    def look() -> bool:
        budget = cluster.get("pdb", "web", namespace)
        assert budget is not None
        status = budget["status"]
        return (status["expectedPods"], status["currentHealthy"], status["disruptionsAllowed"]) == (count, count, 0)

    eventually(look, what="the budget counts all tasks")


def test_who_was_protected_stays_at_rest_and_goes_before_others(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(desiredCount=3), namespace=namespace)
    wait_ready(cluster, namespace)
    first, second, _ = pods(cluster, namespace)
    _protect(cluster, namespace, first)
    _detached(cluster, namespace, first, 2)
    _protect(cluster, namespace, second)
    _detached(cluster, namespace, second, 1)
    before = uids(cluster, namespace)
    _protect(cluster, namespace, first, "2026-01-01T00:00:00Z")
    eventually(lambda: _protection(cluster, namespace) == "1 task is protected", what="one of two is protected")
    assert uids(cluster, namespace) == before
    cluster.kubectl("scale", "ecssvc/web", "--replicas=2", "-n", namespace)
    wait_ready(cluster, namespace)
    assert uids(cluster, namespace) == before - {first["metadata"]["uid"]}
    cluster.kubectl("scale", "ecssvc/web", "--replicas=0", "-n", namespace)
    eventually(lambda: uids(cluster, namespace) == {second["metadata"]["uid"]}, what="the protected one is left")
    eventually(lambda: "1 more than desired" in _message(cluster, namespace), what="it says so")
    cluster.kubectl("delete", "ecssvc/web", "-n", namespace, "--wait=false")
    eventually(lambda: not cluster.all("pods", namespace), 90, "it goes with its Service")


def test_a_word_that_is_no_time_is_told(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(desiredCount=1), namespace=namespace)
    wait_ready(cluster, namespace)
    (pod,) = pods(cluster, namespace)
    _protect(cluster, namespace, pod, "tomorrow")

    def told() -> bool:
        found = cluster.condition("ecssvc", "web", namespace, "TaskProtection")
        return bool(found) and found["status"] == "False" and 'is "tomorrow", which is no time' in found["message"]

    eventually(told, what="the condition tells it")
    eventually(
        lambda: [
            one for one in cluster.all("events.events.k8s.io", namespace) if one["reason"] == "TaskProtectionInvalid"
        ],
        what="an event tells it",
    )
    assert _replicas(cluster, namespace) == (1, 1)


def test_the_chosen_ones_go_and_zones_stay_balanced(cluster: Cluster, namespace: str) -> None:
    mix = strategy(fargate=(0, 1))
    cluster.apply(task_definition(), service(desiredCount=9, capacityProviderStrategy=mix), namespace=namespace)
    wait_ready(cluster, namespace)
    for count in (8, 6, 5, 3):
        before = _by_zone(cluster, namespace)
        assert len(before) == 3
        with Healthy(cluster, namespace) as healthy:
            cluster.kubectl("scale", "ecssvc/web", f"--replicas={count}", "-n", namespace)
            eventually(lambda wanted=count: len(pods(cluster, namespace)) == wanted, what=f"{count} tasks are left")
            wait_ready(cluster, namespace)
        after = _by_zone(cluster, namespace)
        assert healthy.marked == sum(before.values()) - count, "others were marked than those that had to go"
        assert sorted(after.values()) == [
            one for one in _taken_from_the_fullest(before, sum(before.values()) - count) if one
        ]
    marked = [one for one in pods(cluster, namespace) if names.DELETION_COST in one["metadata"].get("annotations", {})]
    assert not marked


def _by_zone(cluster: Cluster, namespace: str) -> Counter[str]:
    zones = {node["metadata"]["name"]: node["metadata"]["labels"][ZONE] for node in cluster.all("nodes")}
    return Counter(zones[pod["spec"]["nodeName"]] for pod in pods(cluster, namespace))


def _taken_from_the_fullest(zones: Counter[str], count: int) -> list[int]:
    left = sorted(zones.values())
    for _ in range(count):
        left = sorted([*left[:-1], left[-1] - 1])
    return left
