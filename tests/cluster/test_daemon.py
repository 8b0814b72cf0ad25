"""A Service with schedulingStrategy DAEMON on real nodes of the real DaemonSet controller."""

from typing import Any

import pytest

from support.cluster import Cluster
from support.manifests import capacity_provider, service, task_definition
from support.node_pool import join, node_pool, places, settle
from support.tasks import uids, wait_deployed, wait_ready
from support.waiting import eventually

NO_LABELS: dict[str, str] = {}
pytestmark = pytest.mark.usefixtures("operator")


def daemon(*providers: str, **spec: Any) -> dict[str, Any]:
    on = [{"capacityProvider": name} for name in providers]
    return service(schedulingStrategy="DAEMON", capacityProviderStrategy=on, **spec)


def test_every_node_has_one_task_and_one_that_joins_gets_its_own(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "each", {}, {}), node_pool(cluster, "each-too", {}):
        cluster.apply(task_definition(), daemon("each", "each-too"), namespace=namespace)
        settle(cluster, namespace, {"each-0": 1, "each-1": 1, "each-too-0": 1})
        status = wait_ready(cluster, namespace)["status"]
        assert (status["desiredCount"], status["runningCount"], status["pendingCount"]) == (3, 3, 0)
        assert [(one["capacityProvider"], one["runningCount"]) for one in status["capacityProviders"]] == [
            ("each", 2),
            ("each-too", 1),
        ]
        before = uids(cluster, namespace)
        join(cluster, "each", {}, first=2)
        eventually(lambda: len(uids(cluster, namespace)) == 4, 120, "the new node has its task")
        eventually(lambda: wait_ready(cluster, namespace)["status"]["runningCount"] == 4, 120, "4 tasks are counted")
        assert before < uids(cluster, namespace)


def test_a_deployment_keeps_the_healthy_percent_and_leaves_the_old_template_frozen(
    cluster: Cluster, namespace: str
) -> None:
    with node_pool(cluster, "rolled", *[NO_LABELS] * 4):
        limits = {"minimumHealthyPercent": 50}
        cluster.apply(task_definition(), daemon("rolled", deploymentConfiguration=limits), namespace=namespace)
        settle(cluster, namespace, {f"rolled-{number}": 1 for number in range(4)})
        wait_ready(cluster, namespace)
        before = uids(cluster, namespace)
        cluster.apply(task_definition(image="shop/web:2"), namespace=namespace)
        wait_deployed(cluster, namespace, "web:2")
        assert not before & uids(cluster, namespace), "all tasks are of the new revision"
        found = cluster.get("daemonset", "web-rolled", namespace)
        assert found is not None
        assert found["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 2}
        records = [one["metadata"]["name"] for one in cluster.all("controllerrevisions", namespace)]
        assert {"web-deployment-1", "web-deployment-2"} <= set(records)


def test_a_node_that_stops_matching_loses_its_task(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "matching", {"stack": "prod"}, {"stack": "prod"}, {}):
        constraint = {"type": "memberOf", "expression": "attribute:stack == prod"}
        cluster.apply(task_definition(), daemon("matching", placementConstraints=[constraint]), namespace=namespace)
        settle(cluster, namespace, {"matching-0": 1, "matching-1": 1})
        cluster.kubectl("label", "node", "matching-0", "stack-")
        settle(cluster, namespace, {"matching-1": 1})
        eventually(lambda: wait_ready(cluster, namespace)["status"]["desiredCount"] == 1, 120, "1 task is desired")
        cluster.kubectl("label", "node", "matching-2", "stack=prod")
        settle(cluster, namespace, {"matching-1": 1, "matching-2": 1})


def test_a_provider_hands_over_and_a_deleted_service_takes_all_with_it(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "old", {}), node_pool(cluster, "new", {}):
        cluster.apply(task_definition(), daemon("old"), namespace=namespace)
        settle(cluster, namespace, {"old-0": 1})
        cluster.apply(daemon("new"), namespace=namespace)
        settle(cluster, namespace, {"new-0": 1})
        wait_ready(cluster, namespace)
        eventually(lambda: cluster.get("daemonset", "web-old", namespace) is None, 120, "the old DaemonSet is gone")
        cluster.delete("ecssvc", "web", namespace)
        kinds = "daemonsets,controllerrevisions,services,pods"
        eventually(lambda: not cluster.all(kinds, namespace), 120, "all children are gone")


def test_nobody_scales_a_daemon_or_makes_it_something_else(cluster: Cluster, namespace: str) -> None:
    with node_pool(cluster, "fixed", {}, {}):
        cluster.apply(task_definition(), daemon("fixed"), namespace=namespace)
        settle(cluster, namespace, {"fixed-0": 1, "fixed-1": 1})
        scaled = cluster.kubectl("scale", "ecssvc/web", "--replicas=7", "-n", namespace, check=False)
        assert "DAEMON runs one task on each node; leave it out" in scaled.stderr
        patch = '{"spec": {"schedulingStrategy": "REPLICA"}}'
        changed = cluster.kubectl("patch", "ecssvc", "web", "-n", namespace, "--type=merge", "-p", patch, check=False)
        assert "schedulingStrategy cannot be changed" in changed.stderr
        wait_ready(cluster, namespace)
        row = cluster.kubectl("get", "ecssvc", "web", "-n", namespace, "--no-headers").stdout.split()
        assert row[1:4] == ["web:1", "2", "2"]
        assert len(places(cluster, namespace)) == 2


def test_fargate_has_no_daemons(cluster: Cluster, namespace: str) -> None:
    cluster.apply(capacity_provider("no-nodes"))
    cluster.apply(task_definition(), daemon("no-nodes"), namespace=namespace)
    eventually(
        lambda: cluster.condition("ecssvc", "web", namespace).get("reason") == "DaemonRefused", what="it is refused"
    )
    cluster.delete("cprov", "no-nodes")
