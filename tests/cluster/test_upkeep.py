"""What the operator keeps right, what it leaves alone, and that it writes nothing when nothing changes."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth import names
from support import audit
from support.cluster import ROOT, Cluster
from support.manifests import capacity_provider, service, strategy, task_definition
from support.operator import Operator
from support.tasks import uids, wait_ready
from support.waiting import eventually

Json = dict[str, Any]


@pytest.fixture(scope="module")
def beside(own_lab: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Generator[Operator]:
    own_lab.apply(capacity_provider("fargate"), capacity_provider("ec2", type="EC2"))
    with Operator(own_lab.kubeconfig, tmp_path_factory.mktemp("operator") / "berth.log") as running:
        yield running.wait_listed()


@pytest.fixture
def place(own_lab: Cluster, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[5:60].rstrip("-")
    own_lab.create_namespace(name)
    return name


def _log(cluster: Cluster) -> Path:
    assert cluster.lab is not None
    return cluster.lab.audit_log


def test_an_edit_of_what_is_ours_is_put_right_once(own_lab: Cluster, beside: Operator, place: str) -> None:
    own_lab.apply(task_definition(), service(), namespace=place)
    wait_ready(own_lab, place)
    start = audit.offset(_log(own_lab))
    own_lab.kubectl("label", "deployment", "web", "somebody=else", "-n", place)
    own_lab.kubectl("set", "image", "deployment/web", "web=evil:1", "-n", place)
    eventually(lambda: _image(own_lab, place) == "shop/web:1", what="the image is put right")
    wait_ready(own_lab, place)
    found = own_lab.get("deployment", "web", place)
    assert found is not None
    assert found["metadata"]["labels"]["somebody"] == "else"
    # A write in a state that is not the newest any more is refused, and no write.
    stored = [one for one in audit.requests(_log(own_lab), start) if one.namespace == place and one.code < 400]
    assert audit.writes(stored)["patch deployments"] == 1
    assert beside.running


def test_a_deleted_child_comes_back(own_lab: Cluster, beside: Operator, place: str) -> None:
    own_lab.apply(task_definition(), service(), namespace=place)
    wait_ready(own_lab, place)
    own_lab.delete("svc", "web", place)
    eventually(lambda: own_lab.get("svc", "web", place), what="the address is back")
    own_lab.delete("deployment", "web", place)
    eventually(lambda: own_lab.get("deployment", "web", place), what="the Deployment is back")
    wait_ready(own_lab, place)
    assert beside.running


def test_somebody_elses_object_is_never_taken(own_lab: Cluster, beside: Operator, place: str) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": {"owner": "somebody"}},
        "spec": {"selector": {"app": "other"}, "ports": [{"port": 1234}]},
    }
    own_lab.apply(foreign, namespace=place)
    before = own_lab.get("svc", "web", place)
    own_lab.apply(task_definition(), service(), namespace=place)
    eventually(
        lambda: own_lab.condition("ecssvc", "web", place, "Stalled").get("reason") == "NotOwned",
        what="it says NotOwned",
    )
    assert "Service/web" in own_lab.condition("ecssvc", "web", place)["message"]
    assert own_lab.get("svc", "web", place) == before
    own_lab.delete("svc", "web", place)
    wait_ready(own_lab, place)
    assert beside.running


def test_an_object_that_an_older_crd_let_in_keeps_its_tasks(own_lab: Cluster, beside: Operator, place: str) -> None:
    mix = strategy(fargate=(1, 1), ec2=(0, 1))
    own_lab.apply(task_definition(), service(desiredCount=3, capacityProviderStrategy=mix), namespace=place)
    wait_ready(own_lab, place)
    before = uids(own_lab, place)
    today = yaml.safe_load((ROOT / "crds" / "services.yaml").read_text())
    own_lab.apply(_without_bounds(today))
    try:
        mix[1]["weight"] = 2000
        # The API server takes a changed CRD in a moment later.
        wish = json.dumps({"spec": {"capacityProviderStrategy": mix}})
        ask = ("patch", "ecssvc", "web", "-n", place, "--type=merge", "-p", wish)
        eventually(lambda: own_lab.kubectl(*ask, check=False).returncode == 0, what="the older CRD takes it")
    finally:
        own_lab.apply(today)
    eventually(
        lambda: own_lab.condition("ecssvc", "web", place, "Stalled").get("reason") == "InvalidSpec", what="it says why"
    )
    message = own_lab.condition("ecssvc", "web", place)["message"]
    assert "spec.capacityProviderStrategy[1].weight" in message
    assert "1000" in message
    assert uids(own_lab, place) == before
    mix[1]["weight"] = 2
    own_lab.apply(service(desiredCount=3, capacityProviderStrategy=mix), namespace=place)
    wait_ready(own_lab, place)
    assert before & uids(own_lab, place)
    assert beside.running


def _told(cluster: Cluster) -> dict[str, int]:
    """The tasks that providers say they run."""
    found = {one["metadata"]["name"]: one["status"] for one in cluster.all("cprov")}
    return {name: status["runningTasksCount"] for name, status in found.items() if not status["waitingTasksCount"]}


def _placed(cluster: Cluster) -> dict[str, int]:
    """The tasks that run on them."""
    selector = f"{names.CAPACITY_PROVIDER}="
    return {name: len(cluster.all("pods", selector=selector + name)) for name in ("ec2", "fargate")}


def test_a_restart_and_a_relist_write_nothing(own_lab: Cluster, beside: Operator, place: str) -> None:
    webs = [f"web-{number}" for number in range(8)]
    mix = strategy(fargate=(1, 1), ec2=(0, 1))
    own_lab.apply(
        task_definition(),
        *(service(name, desiredCount=3, capacityProviderStrategy=mix) for name in webs),
        namespace=place,
    )
    for name in webs:
        wait_ready(own_lab, place, name)
    # Providers look at tasks once in ten seconds at the most: what they have not told yet, they tell after a restart.
    eventually(lambda: _told(own_lab) == _placed(own_lab), what="the providers have counted all tasks")
    beside.stop()
    start, listed = audit.offset(_log(own_lab)), beside.log.read_text().count("listed ")
    beside.start().wait_listed(times=listed + 1)
    # One more Service, made after the restart and ready now, shows that the queue got round to all before it.
    own_lab.apply(service("last", desiredCount=0), namespace=place)
    wait_ready(own_lab, place, "last")
    since = audit.requests(_log(own_lab), start)
    others = [one for one in since if not one.name.startswith("last")]
    assert audit.writes(others) == {}
    reads = [one for one in since if one.agent.startswith("berth") and one.verb == "get" and one.name in webs]
    assert reads == []


def test_a_namespace_can_be_deleted_with_all_in_it(own_lab: Cluster, beside: Operator, place: str) -> None:
    own_lab.apply(task_definition(), service(desiredCount=2), namespace=place)
    wait_ready(own_lab, place)
    own_lab.kubectl("delete", "namespace", place, "--timeout=180s")
    assert own_lab.get("namespace", place) is None
    assert beside.running


def _image(cluster: Cluster, namespace: str) -> str:
    found = cluster.get("deployment", "web", namespace)
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"]) if found else ""


def _without_bounds(crd: Json) -> Json:
    """The CRD as an older release might have had it: no rules, no limits."""
    older: Json = json.loads(json.dumps(crd))
    for version in older["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"] = {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
        }
    return older
