"""The table of ECS's fields says what the models do: no more, and no less."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from berth.api.auto_scaling import AutoScaling
from berth.api.cluster import ClusterSpec
from berth.api.schema import Shape
from berth.api.service import ServiceSpec
from berth.api.task_definition import TaskDefinitionSpec
from berth.fields import calls, lookup, nearest
from berth.fields.table import TITLES
from berth.gen.differences import page
from berth.gen.schema import structural
from berth.importer.capacity import group_schema

TABLES: dict[str, type[Shape]] = {
    "register_task_definition": TaskDefinitionSpec,
    "create_service": ServiceSpec,
    "application_auto_scaling": AutoScaling,
    "create_cluster": ClusterSpec,
}
OTHERS = {"create_service": {"autoScaling", "onSecretChange"}, "create_cluster": {"launchTypes"}}
"""Fields of a model that belong to a table of their own, or that ECS has not."""
OURS = (
    "loadBalancers[].application",
    "loadBalancers[].network",
    *(f"deploymentConfiguration.lifecycleHooks[].{name}" for name in ("name", "taskDefinition", "overrides")),
)
"""What a Service may say in place of a target group, or of a Lambda function; ECS has no such fields."""
ELSEWHERE = {
    "create_service": {"cluster", "serviceName", "service"},
    "create_cluster": {"clusterName", "cluster"},
}
"""Rows that become something other than a field of the spec: a name, a namespace."""
WHERE = "operator/berth/fields/{}.yaml"


def _paths(schema: dict[str, Any], at: str = "") -> Iterator[str]:
    for name, node in schema.get("properties", {}).items():
        path = f"{at}.{name}" if at else name
        yield path
        yield from _paths(node, path)
        yield from _paths(node.get("items", {}), f"{path}[]")


def _modelled(call: str) -> set[str]:
    paths = set(_paths(structural(TABLES[call])))
    return {
        path for path in paths if path.partition(".")[0] not in OTHERS.get(call, set()) and not path.startswith(OURS)
    }


@pytest.mark.parametrize("call", TABLES)
def test_every_field_of_a_model_has_a_row_that_says_so(call: str) -> None:
    rows = calls()[call].fields
    missing = sorted(path for path in _modelled(call) if path not in rows)
    assert not missing, f"add rows to {WHERE.format(call)} for {missing}"
    denied = sorted(
        path for path in _modelled(call) if rows[path].verdict == "refused" and "not there yet" in rows[path].note
    )
    assert not denied, (
        f"{WHERE.format(call)} says that {denied} are not there yet, but the model has them: edit these rows "
        "(exact or close and what each becomes, or refused with the reason), then `make generate`"
    )


@pytest.mark.parametrize("call", TABLES)
def test_every_row_that_promises_something_is_in_the_model(call: str) -> None:
    promised = {path for path, row in calls()[call].fields.items() if row.verdict in {"exact", "close"}}
    broken = sorted(promised - _modelled(call) - ELSEWHERE.get(call, set()))
    assert not broken, f"{WHERE.format(call)} promises {broken}, but no model has them"


def test_a_group_of_nodes_has_the_fields_of_the_model() -> None:
    """Here they stand right below spec; Karpenter's own are no fields of ECS."""
    rows = calls()["create_capacity_provider"].fields
    modelled = {path for path in _paths(group_schema()) if ".karpenter" not in path}
    assert modelled <= rows.keys()
    promised = {path for path, row in rows.items() if row.verdict in {"exact", "close"}}
    assert promised - modelled == {"name", "autoScalingGroupProvider.autoScalingGroupArn"}


def test_no_note_of_a_field_that_is_done_denies_it() -> None:
    """A row without words of its own beside the plan shows the data file's note: it must say what happens now."""
    shown = calls()["register_task_definition"].fields
    empty = [path for path, row in shown.items() if row.note == "It means here what it means in ECS."]
    assert not empty, f"{WHERE.format('register_task_definition')} says nothing about {empty}"
    denied = [
        path
        for path, row in shown.items()
        if row.verdict == "exact" and any(word in row.note for word in (" yet", "cannot be set", "Kubernetes takes no"))
    ]
    assert not denied, f"{WHERE.format('register_task_definition')} denies {denied}, which the plan does"


@pytest.mark.parametrize("call", TITLES)
def test_rows_are_sentences(call: str) -> None:
    for path, row in calls()[call].fields.items():
        assert row.note.endswith("."), path
        parent = path.rpartition(".")[0].removesuffix("[]")
        assert not parent or parent in calls()[call].fields, f"{path} has no parent in the table"


def test_the_page_of_differences_has_every_row() -> None:
    shown = page()
    for call in calls().values():
        for path in call.fields:
            assert f"| `{path}` |" in shown


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("containerDefinitions[].healthCheck", "containerDefinitions[].healthCheck"),
        ("containerdefinitions.healthcheck.command", "containerDefinitions[].healthCheck.command"),
        ("hostPort", "containerDefinitions[].portMappings[].hostPort"),
        ("RunTask", "RunTask"),
        ("portMappings.hostPort", "containerDefinitions[].portMappings[].hostPort"),
        ("containerDefinitions[0].image", "containerDefinitions[].image"),
        ("Resources.Web.Properties.ContainerDefinitions[0].Image", "containerDefinitions[].image"),
        ("services[0].desiredCount", "desiredCount"),
        ("clusters[0].settings[0].value", "settings[].value"),
    ],
)
def test_a_field_is_found_by_path_or_name(asked: str, first: str) -> None:
    assert lookup(asked)[0].path == first


def test_a_prefix_finds_what_is_below() -> None:
    assert len(lookup("containerDefinitions")) > 100
    assert {one.path for one in lookup("portMappings")} > {"containerDefinitions[].portMappings[].protocol"}


def test_a_misspelt_field_has_neighbours() -> None:
    assert lookup("portMaping") == []
    assert "containerDefinitions[].portMappings" in nearest("portMaping")
    assert nearest("portMappings.hostPrt")[0] == "containerDefinitions[].portMappings[].hostPort"
    assert nearest("") == []


def test_every_field_of_ecs_has_a_row() -> None:
    """The list of ECS's fields is beside the repository where the project is developed."""
    import csv  # noqa: PLC0415  # for this test alone

    listed = Path(__file__).parents[3] / "shared" / "ecs" / "fields.csv"
    if not listed.exists():
        pytest.skip(f"needs {listed}, the list of ECS's fields")
    owners = {"RegisterTaskDefinition": "register_task_definition", "CreateService": "create_service"}
    with listed.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    missing = [
        f"{row['api']}.{row['path']}"
        for row in rows
        if row["api"] in owners and row["path"] not in calls()[owners[row["api"]]].fields
    ]
    assert not missing
    others = {row["api"].rpartition(":")[2] for row in rows} - {*owners, "UpdateService"}
    told = {*calls()["other_calls"].fields, "RegisterScalableTarget", "PutScalingPolicy"}
    assert others - told == set()
