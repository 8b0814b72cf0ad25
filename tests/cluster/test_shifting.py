"""Deployments with two sets of tasks on a real API server: the weights of the route, the way back, a restart."""

import signal
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from berth import names
from berth.lab import Lab
from support import gateway_api
from support.cluster import Cluster, prepared
from support.lab_name import lab_name
from support.manifests import service, task_definition
from support.operator import Operator
from support.taking_gateway import TakingGateway
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
PLATFORM = {"network": {"gatewayApi": True}}
ALL, BACK = (("web", 1),), (("web", 1000), ("web--green", 0))
GREEN = (("web", 0), ("web--green", 1000))
PART = (("web", 950), ("web--green", 50))
TEST = {"header": {"name": "X-Test", "value": {"exact": "green"}}}


@dataclass
class Stage:
    cluster: Cluster
    gateway: TakingGateway
    operator: Operator
    namespace: str

    @property
    def weights(self) -> list[Any]:
        return self.gateway.of(self.namespace).weights

    def release(self, image: str) -> None:
        self.cluster.apply(task_definition(image=image), namespace=self.namespace)

    def reaches(self, stage: str, number: int = 2) -> None:
        eventually(lambda: self.entry(number).get("lifecycleStage") == stage, 180, f"deployment {number} is in {stage}")

    def bakes(self, minutes: int) -> None:
        body = {"spec": {"deploymentConfiguration": {"bakeTimeInMinutes": minutes}}}
        self.cluster.patch("ecssvc", "web", self.namespace, body)

    def entry(self, number: int) -> Json:
        found = self.cluster.get("ecssvc", "web", self.namespace)
        assert found is not None
        shown = {one["id"]: one for one in found["status"].get("deployments", ())}
        return dict(shown.get(f"web-deployment-{number}", {}))

    def reason(self) -> str:
        return str(self.cluster.condition("ecssvc", "web", self.namespace).get("reason"))

    def tasks(self) -> Counter[int]:
        """By deployment."""
        noted = [one["metadata"]["annotations"][names.DEPLOYMENT] for one in pods(self.cluster, self.namespace)]
        return Counter(int(one.rpartition("-")[2]) for one in noted)

    def went(self, *weights: Any) -> None:
        """The requests have gone this way: the Gateway looks at a route a moment after it was written."""
        eventually(lambda: self.weights == list(weights), what=f"the route said {weights}")
        assert self.gateway.of(self.namespace).empty == []

    def left(self, tasks: dict[int, int], *workloads: str) -> None:
        """What there is at the end."""
        eventually(lambda: self.tasks() == tasks, what=f"the tasks are {tasks}")
        if workloads:
            eventually(lambda: self.workloads() == list(workloads), what=f"the Deployments are {workloads}")

    def workloads(self) -> list[str]:
        return sorted(one["metadata"]["name"] for one in self.cluster.all("deployments", self.namespace))


@pytest.fixture(scope="module")
def shifting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Cluster, TakingGateway, Operator]]:
    """A cluster with Gateway API and a Gateway that takes all routes."""
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("installs CRDs of others, so it takes a lab of its own: --cluster lab")
    home = tmp_path_factory.mktemp("shifting")
    (home / "platform.yaml").write_text(yaml.safe_dump(PLATFORM))
    given = {"platform_file": str(home / "platform.yaml"), "deregistration_seconds": "2"}
    with Lab(lab_name(), nodes="kwok:3", tie_to_parent=True) as lab:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        gateway_api.install(cluster)
        with TakingGateway(lab) as gateway, Operator(lab.kubeconfig, home / "berth.log", **given) as operator:
            operator.wait_listed()
            yield cluster, gateway, operator


@pytest.fixture
def stage(shifting: tuple[Cluster, TakingGateway, Operator], request: pytest.FixtureRequest) -> Stage:
    name = request.node.name.replace("_", "-")[5:60].rstrip("-")
    shifting[0].kubectl("create", "namespace", name)
    return Stage(*shifting, name)


def _begin(stage: Stage, **configuration: Any) -> None:
    balancer = {
        "containerName": "web",
        "containerPort": 8080,
        "application": {"gateway": "public", "testTrafficRules": TEST},
    }
    spec = service(desiredCount=2, deploymentConfiguration=configuration, loadBalancers=[balancer])
    stage.cluster.apply(task_definition(), spec, namespace=stage.namespace)
    wait_ready(stage.cluster, stage.namespace, within=120)


def test_all_requests_go_over_at_once_and_then_the_old_tasks_go(stage: Stage) -> None:
    _begin(stage, strategy="BLUE_GREEN", bakeTimeInMinutes=0)
    stage.release("shop/web:2")
    eventually(lambda: stage.tasks() == {1: 2, 2: 2}, what="two sets of tasks run")
    eventually(lambda: stage.tasks() == {2: 2}, 120, "the old tasks are gone")
    found = wait_ready(stage.cluster, stage.namespace, within=120)
    stage.went(ALL, GREEN, ALL)
    assert set(stage.gateway.of(stage.namespace).tested) == {"web--green"}
    stage.left({2: 2}, "web--b")
    assert found["status"]["runningCount"] == 2
    before = uids(stage.cluster, stage.namespace)
    stage.cluster.patch(
        "ecssvc", "web", stage.namespace, {"spec": {"deploymentConfiguration": {"strategy": "ROLLING"}}}
    )
    wait_ready(stage.cluster, stage.namespace)
    assert uids(stage.cluster, stage.namespace) == before, "the strategy alone restarts nothing"


def test_a_stop_in_the_canary_brings_the_requests_back_and_the_new_tasks_go(stage: Stage) -> None:
    canary = {"canaryPercent": 5, "canaryBakeTimeInMinutes": 60}
    _begin(stage, strategy="CANARY", canaryConfiguration=canary)
    good = uids(stage.cluster, stage.namespace)
    stage.release("shop/web:2")
    eventually(lambda: PART in stage.weights, 120, "a part of the requests goes over")
    assert stage.tasks() == {1: 2, 2: 2}
    stage.cluster.kubectl("annotate", "ecssvc/web", "-n", stage.namespace, f"{names.STOP_DEPLOYMENT}=rollback")
    eventually(lambda: stage.reason() == "RolledBack", 120, "it is rolled back")
    stage.went(ALL, PART, BACK, ALL)
    stage.left({1: 2}, "web")
    assert uids(stage.cluster, stage.namespace) == good
    assert stage.entry(2)["requestedProductionTrafficWeight"] == 5


def test_an_operator_that_dies_in_the_canary_goes_on_where_it_was(stage: Stage) -> None:
    canary = {"canaryPercent": 5, "canaryBakeTimeInMinutes": 1}
    _begin(stage, strategy="CANARY", canaryConfiguration=canary)
    stage.release("shop/web:2")
    eventually(lambda: PART in stage.weights, 120, "a part goes over")
    # The status follows the route; the stage before had a clock of its own.
    since = eventually(lambda: _since(stage.entry(2), "PRODUCTION_TRAFFIC_SHIFT"), what="the clock runs")
    listed = stage.operator.log.read_text().count("listed ")
    stage.operator.stop(signal.SIGKILL)
    stage.operator.start().wait_listed(listed + 1)
    assert stage.entry(2).get("lifecycleStageSince", since) == since, "the clock goes on"
    eventually(lambda: GREEN in stage.weights, 120, "the rest goes over")
    wait_ready(stage.cluster, stage.namespace, within=120)
    stage.went(ALL, PART, GREEN, ALL)
    stage.left({2: 2})


def test_a_newer_revision_in_the_bake_has_the_requests_go_back_first(stage: Stage) -> None:
    _begin(stage, strategy="BLUE_GREEN", bakeTimeInMinutes=0)
    stage.bakes(60)
    # Both are heard of by watches of their own: nothing says which comes first.
    wait_ready(stage.cluster, stage.namespace)
    stage.release("shop/web:2")
    stage.reaches("BAKE_TIME")
    stage.release("shop/web:3")
    stage.reaches("BAKE_TIME", 3)
    stage.went(ALL, GREEN, ALL, GREEN)
    stage.left({1: 2, 3: 2})
    stage.bakes(0)
    wait_ready(stage.cluster, stage.namespace, within=120)
    stage.went(ALL, GREEN, ALL, GREEN, ALL)
    stage.left({3: 2})


def test_without_a_route_the_address_goes_over(stage: Stage) -> None:
    spec = service(deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0})
    stage.cluster.apply(task_definition(), spec, namespace=stage.namespace)
    wait_ready(stage.cluster, stage.namespace)
    assert _slot(stage) == "a"
    stage.release("shop/web:2")
    eventually(lambda: _slot(stage) == "b", 120, "the address leads to the new tasks")
    wait_ready(stage.cluster, stage.namespace, within=120)
    stage.left({2: 1}, "web--b")


def _since(entry: Json, stage: str) -> str:
    return str(entry.get("lifecycleStageSince", "")) if entry.get("lifecycleStage") == stage else ""


def _slot(stage: Stage) -> str:
    found = stage.cluster.get("service", "web", stage.namespace)
    return str(found["spec"]["selector"].get(names.SLOT)) if found else ""
