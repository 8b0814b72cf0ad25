"""Where the real scheduler puts tasks that have placement constraints and strategies."""

import pytest

from support.cluster import Cluster
from support.manifests import capacity_provider, service, strategy, task_definition
from support.node_pool import TYPE, ZONE, join, node_pool, places, settle, zones
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")
A, B, C = ({ZONE: f"eu-west-1{letter}"} for letter in "abc")
OVER_ZONES = {"type": "spread", "field": "attribute:ecs.availability-zone"}
OVER_NODES = {"type": "spread", "field": "instanceId"}
PACKED = {"type": "binpack", "field": "cpu"}


def member_of(expression: str) -> dict[str, str]:
    return {"type": "memberOf", "expression": expression}


def test_tasks_run_where_both_expressions_allow_and_nowhere_else(cluster: Cluster, namespace: str) -> None:
    nodes = ({TYPE: "m5.large", **A}, {TYPE: "t3.small", **B}, {TYPE: "t3.small", **C}, {TYPE: "g2.2xlarge", **B})
    with node_pool(cluster, "members", *nodes, {TYPE: "g2.2xlarge", "stack": "test", **A}):
        cluster.apply(
            task_definition(placementConstraints=[member_of("attribute:ecs.instance-type =~ (t3|g2).*")]),
            service(
                desiredCount=6,
                capacityProviderStrategy=strategy(members=(0, 1)),
                placementConstraints=[
                    member_of("attribute:ecs.availability-zone != eu-west-1c and not (attribute:stack exists)")
                ],
            ),
            namespace=namespace,
        )
        wait_ready(cluster, namespace)
        assert places(cluster, namespace) == {"members-1": 3, "members-3": 3}


def test_distinct_instances_hold_over_all_providers(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "distinct", A, A, B):
        cluster.apply(capacity_provider("distinct-too", "distinct", type="EC2"))
        mix = strategy(distinct=(0, 1), distinct_too=(0, 1))
        cluster.apply(
            task_definition(),
            service(desiredCount=4, capacityProviderStrategy=mix, placementConstraints=[{"type": "distinctInstance"}]),
            namespace=namespace,
        )
        settle(cluster, namespace, {"distinct-0": 1, "distinct-1": 1, "distinct-2": 1, "": 1})
        join(cluster, "distinct", C, first=3)
        wait_ready(cluster, namespace)
        settle(cluster, namespace, {f"distinct-{number}": 1 for number in range(4)})
        cluster.kubectl("delete", "cprov", "distinct-too")


def test_tasks_run_beside_one_group_and_apart_from_another(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "groups", A, B, C):
        on_pool = strategy(groups=(0, 1))
        cluster.apply(
            task_definition(),
            service("cache", capacityProviderStrategy=on_pool),
            service(
                "database",
                capacityProviderStrategy=on_pool,
                placementConstraints=[member_of("not (task:group == service:cache)")],
            ),
            namespace=namespace,
        )
        wait_ready(cluster, namespace, "cache")
        wait_ready(cluster, namespace, "database")
        beside = member_of("task:group == service:cache and task:group != service:database")
        cluster.apply(
            service(desiredCount=3, capacityProviderStrategy=on_pool, placementConstraints=[beside]),
            namespace=namespace,
        )
        wait_ready(cluster, namespace)
        (cache,) = places(cluster, namespace, "cache")
        (database,) = places(cluster, namespace, "database")
        assert places(cluster, namespace) == {cache: 3}
        assert database != cache


Wanted = tuple[list[dict[str, str]], dict[str, int] | None, list[int] | None]
ORDERS: dict[str, Wanted] = {
    "default": ([], {"a": 4, "b": 4}, None),
    "zones-then-nodes": ([OVER_ZONES, OVER_NODES], {"a": 4, "b": 4}, [1, 1, 2, 4]),
    "nodes": ([OVER_NODES], {"a": 2, "b": 6}, [2, 2, 2, 2]),
    "zones-then-packed": ([OVER_ZONES, PACKED], {"a": 4, "b": 4}, [4, 4]),
    "packed": ([PACKED], None, [8]),
    "random": ([{"type": "random"}], None, None),
}


@pytest.mark.parametrize("order", ORDERS)
def test_strategies_in_their_order(cluster: Cluster, namespace: str, order: str) -> None:
    """One node in zone a and three in zone b, so that zones and nodes pull in different directions."""
    strategies, by_zone, by_node = ORDERS[order]
    with node_pool(cluster, order, A, B, B, B):
        mix = [{"capacityProvider": order, "weight": 1}]
        cluster.apply(
            task_definition(),
            service(desiredCount=8, capacityProviderStrategy=mix, placementStrategy=strategies),
            namespace=namespace,
        )
        wait_ready(cluster, namespace)
        assert by_zone is None or zones(cluster, namespace) == by_zone
        found = places(cluster, namespace)
        assert by_node is None or sorted(found.values()) == by_node, found


def test_packed_tasks_fill_one_node_and_then_the_next(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "packed", A, B, C, cpu="1"):
        cluster.apply(
            task_definition(),
            service(desiredCount=6, capacityProviderStrategy=strategy(packed=(0, 1)), placementStrategy=[PACKED]),
            namespace=namespace,
        )
        wait_ready(cluster, namespace)
        assert sorted(places(cluster, namespace).values()) == [2, 4]


def test_a_change_restarts_nothing_and_counts_from_the_next_deployment_on(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "later", A, B):
        on_pool = strategy(later=(0, 1))
        cluster.apply(
            task_definition(),
            service(desiredCount=2, capacityProviderStrategy=on_pool, placementStrategy=[PACKED]),
            namespace=namespace,
        )
        wait_ready(cluster, namespace)
        before = uids(cluster, namespace)
        assert len(places(cluster, namespace)) == 1
        changed = service(
            desiredCount=2,
            capacityProviderStrategy=on_pool,
            placementConstraints=[{"type": "distinctInstance"}],
            deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 100},
        )
        cluster.apply(changed, namespace=namespace)
        wait_ready(cluster, namespace)
        assert uids(cluster, namespace) == before
        cluster.apply(task_definition(image="shop/web:2"), namespace=namespace)
        eventually(lambda: not before & uids(cluster, namespace), what="all tasks are of the new revision")
        wait_ready(cluster, namespace)
        settle(cluster, namespace, {"later-0": 1, "later-1": 1})


def test_what_cannot_be_expressed_is_told_before_anything_runs(cluster: Cluster, namespace: str) -> None:
    cluster.apply(
        task_definition(placementConstraints=[member_of("runningTasksCount < 5")]),
        task_definition("fine"),
        service("fine", taskDefinition="fine", placementConstraints=[member_of("attribute:stack =~ pro.*")]),
        namespace=namespace,
    )
    eventually(lambda: _stalled(cluster, "taskdef", "web", namespace), what="the TaskDefinition is Stalled")
    eventually(lambda: _stalled(cluster, "ecssvc", "fine", namespace), what="the Service is Stalled")
    assert cluster.all("tdrev", namespace, "berth.dev/task-definition=web") == []
    assert pods(cluster, namespace, "fine") == []


def _stalled(cluster: Cluster, kind: str, name: str, namespace: str) -> bool:
    found = cluster.condition(kind, name, namespace, "Stalled")
    return found.get("status") == "True" and found["reason"] == "PlacementConstraintRefused"
