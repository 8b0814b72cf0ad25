"""berth render asks the operator's own plans: what it prints is what a cluster would get."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from berth.controllers import TABLE
from berth.render.run import Rendered, Rules, render
from berth.settings import Settings
from support.golden import cases, load, world_of
from support.manifests import capacity_provider, service, strategy, task_definition

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _rendered(*manifests: dict[str, Any], **settings: Any) -> Rendered:
    rules = Rules(TABLE.using(()), Settings.model_validate(settings), NOW, "shop")
    return render(manifests, rules)


def _names(result: Rendered) -> list[str]:
    return [f"{one['kind']}/{one['metadata']['name']}" for one in result.objects]


def test_a_task_definition_and_its_service_become_all_that_they_need() -> None:
    wanted = service(capacityProviderStrategy=strategy(fargate=(2, 1), fargate_spot=(0, 4)), desiredCount=12)
    result = _rendered(
        task_definition(), wanted, capacity_provider("fargate"), capacity_provider("fargate-spot", spot=True)
    )
    assert result.blocked == []
    assert _names(result) == [
        "TaskDefinitionRevision/web-1",
        "ControllerRevision/web-deployment-1",
        "Deployment/web-fargate",
        "Deployment/web-fargate-spot",
        "Service/web",
        "PodDisruptionBudget/web",
    ]
    counts = [one["spec"]["replicas"] for one in result.objects if one["kind"] == "Deployment"]
    assert counts == [4, 8]


def test_objects_are_what_kubectl_takes() -> None:
    for one in _rendered(task_definition(), service()).objects:
        assert set(one["metadata"]) <= {"name", "namespace", "labels", "annotations"}
        assert one["metadata"]["namespace"] == "shop"
        assert "status" not in one


def test_a_revision_gets_the_defaults_of_the_crd() -> None:
    revision = _rendered(task_definition()).objects[0]
    container = revision["spec"]["containerDefinitions"][0]
    assert container["essential"] is True
    assert container["portMappings"][0]["protocol"] == "tcp"
    assert revision["spec"]["networkMode"] == "awsvpc"


@pytest.mark.parametrize(
    ("manifests", "said"),
    [
        ([service()], "Service/web: TaskDefinitionNotFound"),
        ([task_definition(), service(launchType="FARGATE")], "CapacityProviderNotFound"),
        ([task_definition(colour="blue")], "TaskDefinition/web: spec.colour: unknown field"),
        ([task_definition(cpu="17 parsecs")], "TaskDefinition/web: spec.cpu"),
        ([task_definition("Web")], "metadata.name"),
        ([task_definition(requiresCompatibilities=["FARGATE"], cpu="3")], "not a Fargate size"),
        ([{"apiVersion": "berth.dev/v1alpha1", "kind": "Service", "metadata": {"name": "web"}}], "spec: is required"),
    ],
)
def test_what_the_operator_would_refuse_is_told(manifests: list[dict[str, Any]], said: str) -> None:
    assert any(said in one for one in _rendered(*manifests).blocked), _rendered(*manifests).blocked


def test_namespaces_stay_apart() -> None:
    other = task_definition()
    other["metadata"]["namespace"] = "other"
    assert any("TaskDefinitionNotFound" in one for one in _rendered(other, service()).blocked)


def test_other_kinds_are_named() -> None:
    result = _rendered({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}, task_definition())
    assert result.unread == ["ConfigMap/c"]
    assert _names(result) == ["TaskDefinitionRevision/web-1"]


def test_the_operators_plan_and_render_agree() -> None:
    """The golden worlds that hold nothing but what a user wrote: a plan's own children, by name."""
    seen = 0
    for case in cases():
        given = load(case)
        subject = given["subject"]
        more = given.get("objects") or given.get("settings") or subject.get("status")
        if subject["kind"] != "TaskDefinition" or more:
            continue
        controller, world = world_of(given)
        plan = controller.plan(world)
        names = [f"{child.resource.kind}/{child.name}" for child in plan.children or ()]
        assert _names(_rendered(subject))[: len(names)] == names
        seen += 1
    assert seen


def test_a_thousand_manifests_take_less_than_five_seconds() -> None:
    manifests = [made for index in range(500) for made in _pair(f"web-{index}")]
    start = time.process_time()  # neighbours on the machine do not count
    result = _rendered(capacity_provider("fargate"), *manifests)
    assert time.process_time() - start < 5
    assert result.blocked == []
    assert len(result.objects) == 500 * 5


def _pair(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return task_definition(name), service(name, taskDefinition=name, launchType="FARGATE", desiredCount=3)
