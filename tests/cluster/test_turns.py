"""The limits of a deployment over several providers, held by the real Deployment controller."""

import pytest

from support.cluster import Cluster
from support.healthy import Healthy
from support.manifests import service, strategy, task_definition
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "providers")


def test_three_providers_with_room_for_one_task_take_turns(cluster: Cluster, namespace: str) -> None:
    mix = strategy(fargate=(0, 1), fargate_spot=(0, 1), ec2=(0, 1))
    pair = {"minimumHealthyPercent": 66, "maximumPercent": 133}
    cluster.apply(
        task_definition(),
        service(desiredCount=3, capacityProviderStrategy=mix, deploymentConfiguration=pair),
        namespace=namespace,
    )
    wait_ready(cluster, namespace)
    before = uids(cluster, namespace)
    with Healthy(cluster, namespace) as healthy:
        cluster.apply(task_definition(image="shop/web:2"), namespace=namespace)
        eventually(lambda: not uids(cluster, namespace) & before, 120, "all tasks were replaced")
        wait_ready(cluster, namespace)
        assert healthy.least >= 2, "two providers stopped a task at the same time"
        assert healthy.most <= 3, "more tasks ran than maximumPercent allows"
    assert len(pods(cluster, namespace)) == 3


def test_a_pair_that_cannot_move_says_so_and_goes_on_once_it_can(cluster: Cluster, namespace: str) -> None:
    pair = {"minimumHealthyPercent": 50, "maximumPercent": 150}
    cluster.apply(task_definition(), service(deploymentConfiguration=pair), namespace=namespace)
    wait_ready(cluster, namespace)
    before = uids(cluster, namespace)
    cluster.apply(task_definition(image="shop/web:2"), namespace=namespace)
    cluster.kubectl("wait", "ecssvc/web", "-n", namespace, "--for=condition=Stalled", "--timeout=120s")
    seen = cluster.get("ecssvc", "web", namespace)
    assert seen is not None
    assert {one["reason"] for one in seen["status"]["conditions"]} == {"UnableToReplaceTasks"}
    assert uids(cluster, namespace) == before
    cluster.apply(service(deploymentConfiguration={**pair, "maximumPercent": 200}), namespace=namespace)
    wait_ready(cluster, namespace)
    assert not uids(cluster, namespace) & before
