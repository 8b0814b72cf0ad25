"""What a user gets from a Service, asserted on what the real API server holds and where the real scheduler put pods."""

import json

import pytest

from support.cluster import Cluster
from support.manifests import service, strategy, target_tracking, task_definition
from support.tasks import pods, split, uids, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "providers")


def test_the_first_service_needs_no_provider(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(), namespace=namespace)
    ready = wait_ready(cluster, namespace)
    assert ready["status"]["taskDefinition"] == "web:1"
    assert ready["status"]["runningCount"] == 1
    assert split(cluster, namespace) == {"general": 1}
    address = cluster.get("svc", "web", namespace)
    assert address is not None
    assert [(port["name"], port["port"]) for port in address["spec"]["ports"]] == [("http", 8080)]


@pytest.mark.parametrize(
    ("total", "expected"),
    [(1, {"fargate": 1}), (4, {"fargate": 2, "fargate-spot": 2}), (9, {"fargate": 3, "fargate-spot": 6})],
)
def test_tasks_are_split_to_the_task(cluster: Cluster, namespace: str, total: int, expected: dict[str, int]) -> None:
    mix = strategy(FARGATE=(1, 1), FARGATE_SPOT=(0, 3))
    for item, name in zip(mix, ["FARGATE", "FARGATE_SPOT"], strict=True):
        item["capacityProvider"] = name
    cluster.apply(task_definition(), service(desiredCount=total, capacityProviderStrategy=mix), namespace=namespace)
    wait_ready(cluster, namespace)
    assert split(cluster, namespace) == expected


def test_the_split_is_exact_at_every_count_that_scale_asks_for(cluster: Cluster, namespace: str) -> None:
    mix = strategy(fargate=(2, 1), ec2=(0, 1), fargate_spot=(0, 3))
    cluster.apply(task_definition(), service(capacityProviderStrategy=mix), namespace=namespace)
    wait_ready(cluster, namespace)
    expected = {
        7: {"fargate": 3, "ec2": 1, "fargate-spot": 3},
        12: {"fargate": 4, "ec2": 2, "fargate-spot": 6},
        3: {"fargate": 3},
    }
    for total, counts in expected.items():
        before = uids(cluster, namespace)
        cluster.kubectl("scale", "ecssvc/web", f"--replicas={total}", "-n", namespace)
        wait_ready(cluster, namespace)
        assert split(cluster, namespace) == counts
        after = uids(cluster, namespace)
        assert before <= after or after <= before, "scaling moved tasks"
    again = cluster.get("ecssvc", "web", namespace)
    assert again is not None
    assert again["status"]["selector"] == "berth.dev/service=web"


def test_spot_tasks_tolerate_the_spot_taint_and_nothing_else_does(cluster: Cluster, namespace: str) -> None:
    cluster.apply(
        task_definition(),
        service(desiredCount=3, capacityProviderStrategy=strategy(fargate_spot=(0, 1))),
        service("plain", desiredCount=6),
        service("ec2", desiredCount=3, launchType="EC2"),
        namespace=namespace,
    )
    for name in ("web", "plain", "ec2"):
        wait_ready(cluster, namespace, name)
    assert split(cluster, namespace, "web") == {"fargate-spot": 3}
    assert split(cluster, namespace, "plain") == {"general": 6}
    assert split(cluster, namespace, "ec2") == {"ec2": 3}
    key = "berth.dev/capacity-provider"
    tolerated = {
        name: {
            t.get("value")
            for pod in pods(cluster, namespace, name)
            for t in pod["spec"]["tolerations"]
            if t["key"] == key
        }
        for name in ("web", "plain", "ec2")
    }
    assert tolerated == {"web": {"fargate-spot"}, "plain": set(), "ec2": {"ec2"}}


def test_a_change_of_the_task_definition_deploys_and_a_pinned_service_stays(cluster: Cluster, namespace: str) -> None:
    mix = strategy(fargate=(1, 1), ec2=(0, 1))
    cluster.apply(
        task_definition(),
        service(desiredCount=4, capacityProviderStrategy=mix),
        service("pinned", taskDefinition="web:1"),
        namespace=namespace,
    )
    wait_ready(cluster, namespace)
    wait_ready(cluster, namespace, "pinned")
    pinned = uids(cluster, namespace, "pinned")
    cluster.apply(task_definition(image="shop/web:2"), namespace=namespace)
    eventually(lambda: _runs(cluster, namespace, "web:2"), what="web:2 runs alone")
    eventually(lambda: _newest(cluster, namespace) == ("web-deployment-2", "COMPLETED"), what="its deployment is over")
    wait_ready(cluster, namespace)
    assert {c["image"] for pod in pods(cluster, namespace) for c in pod["spec"]["containers"]} == {"shop/web:2"}
    assert split(cluster, namespace) == {"fargate": 3, "ec2": 1}
    assert uids(cluster, namespace, "pinned") == pinned


def test_an_older_content_again_is_a_new_revision(cluster: Cluster, namespace: str) -> None:
    for image in ("a", "b", "a", "a"):
        cluster.apply(task_definition(image=image), namespace=namespace)
        eventually(lambda: _registered(cluster, namespace), what="the content is registered")
    numbers = {one["metadata"]["name"] for one in cluster.all("tdrev", namespace)}
    assert numbers == {"web-1", "web-2", "web-3"}


def test_what_is_missing_is_named_and_heals_when_it_appears(cluster: Cluster, namespace: str) -> None:
    cluster.apply(
        service(desiredCount=2, capacityProviderStrategy=strategy(later=(0, 1))),
        namespace=namespace,
    )
    _says(cluster, namespace, "TaskDefinitionNotFound", "there is no TaskDefinition web")
    cluster.apply(task_definition(), namespace=namespace)
    _says(cluster, namespace, "CapacityProviderNotFound", "there is no CapacityProvider later")
    later = {
        "apiVersion": "berth.dev/v1alpha1",
        "kind": "CapacityProvider",
        "metadata": {"name": "later"},
        "spec": {"type": "EC2"},
    }
    cluster.apply(later)
    try:
        wait_ready(cluster, namespace)
        before = uids(cluster, namespace)
        cluster.delete("cprov", "later")
        _says(cluster, namespace, "CapacityProviderNotFound", "there is no CapacityProvider later")
        assert uids(cluster, namespace) == before
        cluster.apply(later)
        wait_ready(cluster, namespace)
        assert uids(cluster, namespace) == before
    finally:
        cluster.delete("cprov", "later")


def test_a_deleted_task_definition_leaves_its_service_running_and_scaling(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(desiredCount=2), namespace=namespace)
    wait_ready(cluster, namespace)
    before = uids(cluster, namespace)
    cluster.delete("taskdef", "web", namespace)
    eventually(lambda: _revision_status(cluster, namespace) == "INACTIVE", what="the revision is inactive")
    cluster.kubectl("scale", "ecssvc/web", "--replicas=4", "-n", namespace)
    wait_ready(cluster, namespace)
    assert before < uids(cluster, namespace)
    cluster.apply(service("new"), namespace=namespace)
    _says(cluster, f"{namespace}/new", "TaskDefinitionInactive", "create TaskDefinition web again")


def test_a_provider_leaves_the_strategy_only_when_others_run_its_tasks(cluster: Cluster, namespace: str) -> None:
    cluster.apply(
        task_definition(),
        service(desiredCount=4, capacityProviderStrategy=strategy(fargate=(0, 1), ec2=(0, 1))),
        namespace=namespace,
    )
    wait_ready(cluster, namespace)
    cluster.apply(service(desiredCount=4, capacityProviderStrategy=strategy(ec2=(0, 1))), namespace=namespace)
    wait_ready(cluster, namespace)
    # Whose Deployment is gone is going: the garbage collector takes the rest of it.
    eventually(lambda: split(cluster, namespace) == {"ec2": 4}, what="all tasks run on ec2")
    eventually(lambda: cluster.get("deployment", "web-fargate", namespace) is None, what="its Deployment is gone")


def test_autoscaling_watches_the_services_own_scale(cluster: Cluster, namespace: str) -> None:
    scaling = {"minCapacity": 3, "maxCapacity": 8, "policies": [target_tracking("CPU", 60)]}
    cluster.apply(task_definition(), service(autoScaling=scaling), namespace=namespace)
    # Without metrics an autoscaler still raises a count below its minimum: through our /scale, so the split follows.
    eventually(lambda: len(pods(cluster, namespace)) == 3, what="the autoscaler raised the count to minCapacity")
    found = wait_ready(cluster, namespace)
    assert found["spec"]["desiredCount"] == 3
    autoscaler = cluster.get("hpa", "web", namespace)
    assert autoscaler is not None
    assert autoscaler["spec"]["scaleTargetRef"] == {
        "apiVersion": "berth.dev/v1alpha1",
        "kind": "Service",
        "name": "web",
    }
    eventually(lambda: _able(cluster, namespace) == "True", what="it says that it can scale")
    cluster.kubectl(
        "patch", "ecssvc", "web", "-n", namespace, "--type=json", "-p", '[{"op":"remove","path":"/spec/autoScaling"}]'
    )
    eventually(lambda: cluster.get("hpa", "web", namespace) is None, what="the autoscaler is gone")


def test_a_deleted_service_takes_all_with_it(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(desiredCount=2), namespace=namespace)
    wait_ready(cluster, namespace)
    cluster.delete("ecssvc", "web", namespace)
    kinds = "deployments,controllerrevisions,services,hpa,pods"
    eventually(lambda: not cluster.all(kinds, namespace), what="all children are gone")


def test_kubectl_get_ecs_tells_at_a_glance(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(desiredCount=2), namespace=namespace)
    wait_ready(cluster, namespace)
    table = cluster.kubectl("get", "ecs", "-n", namespace).stdout
    row = next(line.split() for line in table.splitlines() if line.startswith("service.berth.dev/web"))
    assert row[1:7] == ["web:1", "2", "2", "0", "True", "SteadyState"]
    scale = json.loads(
        cluster.kubectl("get", "ecssvc", "web", "-n", namespace, "--subresource=scale", "-o", "json").stdout
    )
    assert scale["spec"]["replicas"] == 2
    assert scale["status"] == {"replicas": 2, "selector": "berth.dev/service=web"}


def _runs(cluster: Cluster, namespace: str, revision: str) -> bool:
    found = pods(cluster, namespace)
    return bool(found) and all(pod["metadata"]["annotations"]["berth.dev/revision"] == revision for pod in found)


def _newest(cluster: Cluster, namespace: str) -> tuple[str, str]:
    found = cluster.get("ecssvc", "web", namespace)
    assert found is not None
    deployment = found["status"]["deployments"][0]
    return deployment["id"], deployment["rolloutState"]


def _able(cluster: Cluster, namespace: str) -> str:
    """What the autoscaler says of it, which it does after it has scaled."""
    return str(cluster.condition("hpa", "web", namespace, "AbleToScale").get("status"))


def _registered(cluster: Cluster, namespace: str) -> bool:
    found = cluster.get("taskdef", "web", namespace)
    return found is not None and found["status"]["observedGeneration"] == found["metadata"]["generation"]


def _revision_status(cluster: Cluster, namespace: str) -> str:
    found = cluster.get("tdrev", "web-1", namespace)
    return str(found["status"].get("status")) if found else ""


def _says(cluster: Cluster, where: str, reason: str, words: str) -> None:
    """Until a Service, `namespace` or `namespace/name`, gives this reason in these words."""
    namespace, _, name = where.partition("/")

    def said() -> bool:
        ready = cluster.condition("ecssvc", name or "web", namespace)
        return ready.get("reason") == reason and words in ready.get("message", "") and ready["status"] == "False"

    eventually(said, what=f"{name} says {reason}: {words}")
