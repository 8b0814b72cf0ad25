"""The registry of translations: one row for each thing that can be said, found by any path."""

import pytest

from berth.plan.translation import Around
from berth.plan.translations import TASK_DEFINITION, rows_of, told, verdict_of

TASK = {"containerDefinitions": [{"name": "web", "ulimits": [{"name": "nofile"}], "privileged": False}]}


def test_close_and_left_out_and_refused_say_why() -> None:
    for row in TASK_DEFINITION:
        assert row.becomes
        assert bool(row.message) == (row.verdict != "Exact"), row.field


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("containerDefinitions[3].ulimits", "containerDefinitions[].ulimits"),
        ("containerDefinitions[3].ulimits[1].softLimit", "containerDefinitions[].ulimits"),
        ("runtimePlatform.cpuArchitecture", "runtimePlatform"),
        ("containerDefinitions[0]", "containerDefinitions[]"),
    ],
)
def test_a_field_without_a_row_shares_that_of_the_smallest_it_belongs_to(path: str, field: str) -> None:
    assert {row.field for row in rows_of(path)} == {field}


def test_nothing_is_known_of_what_ecs_does_not_have() -> None:
    assert rows_of("colour") == ()
    assert verdict_of("colour", "red", Around({}, {})) is None


def test_a_value_that_asks_for_nothing_loses_nothing() -> None:
    found = verdict_of("containerDefinitions[0].ulimits", [], Around(TASK, TASK["containerDefinitions"][0]))
    assert found is not None
    assert found.verdict == "Exact"


def test_what_is_told_names_the_field_as_ecs_would() -> None:
    assert [(one["field"], one["verdict"]) for one in told(TASK, frozenset())] == [
        ("containerDefinitions[0].ulimits", "LeftOut")
    ]
