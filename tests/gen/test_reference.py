"""The reference pages say what the schema says."""

import pytest

from berth.api import KINDS
from berth.api.kind import Kind
from berth.api.service import SERVICE
from berth.api.task_definition import TASK_DEFINITION
from berth.gen.reference import files, page, settings_page
from berth.settings import Settings


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_rule_of_a_kind_is_on_its_page(kind: Kind) -> None:
    text = page(kind)
    for rule in (*kind.rules, *kind.spec.rules):
        assert rule.message in text


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (SERVICE, "| `desiredCount` | integer | `1` | 0 to 5000 | How many tasks to keep running."),
        (SERVICE, "| `launchType` | string |  | `FARGATE` or `EC2` | Shorthand"),
        (SERVICE, "| `capacityProviderStrategy[].weight` | integer | `0` | 0 to 1000 | This provider's share"),
        (SERVICE, "| `autoScaling.policies` (required) | list of object, by policyName |  | 1 to 10 items | What"),
        (TASK_DEFINITION, "| `memory` | integer or string |  | 1 to 999999999, at most 16 characters, matches `"),
        (TASK_DEFINITION, "| `containerDefinitions[].name` (required) | string |  | at most 255 characters, matches"),
    ],
)
def test_a_field_and_its_bounds(kind: Kind, line: str) -> None:
    assert f"\n{line}" in page(kind)


def test_settings() -> None:
    text = settings_page()
    assert "| `BERTH_LEASE_SECONDS` | `15` | more than 0 | How long a leader" in text
    assert all(f"`BERTH_{name.upper()}`" in text for name in Settings.model_fields if name != "platform")


def test_one_page_a_kind_and_one_for_the_settings() -> None:
    assert [name for name, _ in files(KINDS)] == [
        *(f"{kind.kind.lower()}.md" for kind in KINDS),
        "settings.md",
        "platform.md",
    ]
