"""A zone that goes and comes back, on a real scheduler and real controllers: who asks for it gets its tasks back."""

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from berth.lab import Lab
from berth.plan.node_attribute import ZONE
from support import audit
from support.cluster import Cluster
from support.healthy import Healthy
from support.manifests import POOL, capacity_provider, service, strategy, task_definition
from support.operator import Operator
from support.tasks import pods, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
A, B, C = (f"eu-west-1{zone}" for zone in "abc")
ON_FARGATE = strategy(fargate=(0, 1))
EVEN = {A: 2, B: 2, C: 2}
GONE = {A: 3, B: 3}


@pytest.fixture(scope="module")
def beside(own_lab: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Generator[Operator]:
    own_lab.apply(capacity_provider("fargate"))
    with Operator(own_lab.kubeconfig, tmp_path_factory.mktemp("operator") / "berth.log") as running:
        yield running.wait_listed()


@pytest.fixture
def place(own_lab: Cluster, request: pytest.FixtureRequest) -> Generator[str]:
    name = f"zones-{abs(hash(request.node.name)) % 10**6}"
    own_lab.create_namespace(name)
    yield name
    own_lab.discard("namespace", name)


def _lab(cluster: Cluster) -> Lab:
    assert cluster.lab is not None
    return cluster.lab


def _by_zone(cluster: Cluster, namespace: str) -> dict[str, int]:
    zones = {node["metadata"]["name"]: node["metadata"]["labels"].get(ZONE, "") for node in cluster.all("nodes")}
    placed = (pod["spec"].get("nodeName", "") for pod in pods(cluster, namespace))
    return dict(sorted(Counter(zones.get(node, "gone") for node in placed).items()))


def _healthy(cluster: Cluster, namespace: str) -> int:
    ready = {"type": "Ready", "status": "True"}.items()
    said = (pod["status"].get("conditions", ()) for pod in pods(cluster, namespace))
    return sum(any(ready <= one.items() for one in conditions) for conditions in said)


def _is_over(cluster: Cluster, namespace: str) -> bool:
    """The status tells of no move any more; the Service is Ready all the while."""
    return "zoneRebalancing" not in (cluster.get("ecssvc", "web", namespace) or {})["status"]


def _told(cluster: Cluster, namespace: str, part: str) -> list[str]:
    """Events follow the status that they go with."""
    return [one["message"] for one in cluster.all("events", namespace) if part in one["message"]]


def _zones(cluster: Cluster) -> list[str]:
    found = cluster.get("cprov", "fargate")
    assert found is not None
    return list(found["status"].get("zones", []))


def _start(cluster: Cluster, namespace: str, **spec: Any) -> None:
    cluster.apply(task_definition(), service(desiredCount=6, **spec), namespace=namespace)
    wait_ready(cluster, namespace)
    assert _by_zone(cluster, namespace) == EVEN


def _lose_c(cluster: Cluster, namespace: str, *nodes: str) -> None:
    """Its nodes are deleted; the garbage collector takes their pods, and others start elsewhere."""
    for node in nodes:
        _lab(cluster).delete_node(node)
    eventually(lambda: _by_zone(cluster, namespace) == GONE, 180, "the tasks run in the zones that are left")
    # The status may not have heard of it yet, and be Ready from before.
    eventually(lambda: _healthy(cluster, namespace) == sum(GONE.values()), 180, "all of them are healthy")
    wait_ready(cluster, namespace, within=120)


def _rests(cluster: Cluster, running: Operator, namespace: str) -> None:
    """Not one write, though the operator starts anew and plans everything again."""
    wait_ready(cluster, namespace, within=120)
    log = _lab(cluster).audit_log
    running.stop()
    start, listed = audit.offset(log), running.log.read_text().count("listed ")
    running.start().wait_listed(times=listed + 1)
    # One more Service, made after the restart and ready now, shows that the queue got round to all before it.
    cluster.apply(service("last", desiredCount=0), namespace=namespace)
    wait_ready(cluster, namespace, "last")
    found = [one for one in audit.requests(log, start) if not one.name.startswith("last")]
    assert audit.writes([one for one in found if one.namespace == namespace]) == {}


@pytest.mark.parametrize(
    "case", [("fargate", {"capacityProviderStrategy": ON_FARGATE}), ("general", {})], ids=["fargate", "any"]
)
def test_tasks_return_one_at_a_time(own_lab: Cluster, beside: Operator, place: str, case: tuple[str, Json]) -> None:
    cluster, (pool, asked) = own_lab, case
    node = f"{pool}-2"
    _start(cluster, place, availabilityZoneRebalancing="ENABLED", **asked)
    _lose_c(cluster, place, node)
    with Healthy(cluster, place) as healthy:
        _lab(cluster).add_node(node, pool, zone="c")
        eventually(lambda: _by_zone(cluster, place) == EVEN, 180, "the tasks are even again")
        eventually(lambda: _is_over(cluster, place), 180, "the moves are over")
        wait_ready(cluster, place, within=120)
        healthy.catch_up()
        assert healthy.least >= 6, "a task stopped before another was healthy in its place"
        assert healthy.most_there <= 7, "more than one task moved at a time"
        assert healthy.marked == 2, "others were marked than the two that had to go"
    assert len(cluster.all("controllerrevisions.apps", place)) == 1, "it starts no deployment"
    balanced = f"is AZ balanced with 2 tasks in {A}, 2 tasks in {B}, 2 tasks in {C}."
    eventually(lambda: _told(cluster, place, balanced), what="an event tells it")
    _rests(cluster, beside, place)


def test_who_does_not_ask_keeps_tasks_where_they_are(own_lab: Cluster, beside: Operator, place: str) -> None:
    _start(own_lab, place, capacityProviderStrategy=ON_FARGATE)
    _lose_c(own_lab, place, "fargate-2")
    _lab(own_lab).add_node("fargate-2", "fargate", zone="c")
    eventually(lambda: _zones(own_lab) == [A, B, C], what="the zone is there again")
    _rests(own_lab, beside, place)
    assert _by_zone(own_lab, place) == GONE


def test_a_zone_without_room_is_tried_once_and_then_waited_for(own_lab: Cluster, beside: Operator, place: str) -> None:
    """The real scheduler takes another zone: nothing is lost by it, and nothing goes round in circles."""
    cluster = own_lab
    _start(cluster, place, availabilityZoneRebalancing="ENABLED", capacityProviderStrategy=ON_FARGATE)
    _lose_c(cluster, place, "fargate-2")
    with Healthy(cluster, place) as healthy:
        # Bound before there is the node: the scheduler never sees it empty.
        cluster.apply(_filler(), namespace=place)
        _lab(cluster).add_node("fargate-2", "fargate", zone="c")

        def failed() -> Json | None:
            record = (cluster.get("ecssvc", "web", place) or {})["status"].get("zoneRebalancing", {})
            return record if record.get("failedAttempts") else None

        record = eventually(failed, 120, "the move was judged")
        assert (record["failedAttempts"], record["toZone"], record.get("task")) == (1, C, None)
        eventually(lambda: _by_zone(cluster, place) == GONE, what="the one too many is gone")
        eventually(lambda: _told(cluster, place, "is unable to place a task"), what="an event tells it")
        _rests(cluster, beside, place)
        assert _by_zone(cluster, place) == GONE
        assert healthy.least >= 6
        assert healthy.most_there <= 7
    why = "it started elsewhere, or not in time. It is tried again 10 minutes after the last time."
    assert _told(cluster, place, "is unable to place a task") == [
        f"(service web) is unable to place a task in {C}: {why}"
    ]


def _filler() -> Json:
    """It takes the whole node as soon as there is one."""
    container = {"name": "filler", "image": "shop/filler:1", "resources": {"requests": {"cpu": "15900m"}}}
    spec = {
        "nodeName": "fargate-2",
        "tolerations": [{"key": POOL, "operator": "Exists"}],
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "filler"}, "spec": spec}
