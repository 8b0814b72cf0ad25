"""Every golden world leads to the plan beside it: read expected.yaml as the user would."""

from pathlib import Path

import pytest
import yaml

from support.golden import case_id, cases, load, shown, world_of


class _Plain(yaml.SafeDumper):
    """No anchors: what stands twice in a manifest is written twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # the signature is PyYAML's
        return True


@pytest.mark.parametrize("case", cases(), ids=case_id)
def test_a_world_leads_to_its_plan(case: Path, request: pytest.FixtureRequest) -> None:
    controller, world = world_of(load(case))
    answer = shown(world, controller.plan(world))
    text = yaml.dump(answer, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)
    expected = case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(text)
    assert yaml.safe_load(expected.read_text()) == yaml.safe_load(text)


@pytest.mark.parametrize("case", cases(), ids=case_id)
def test_a_plan_is_a_function_of_its_world(case: Path) -> None:
    controller, world = world_of(load(case))
    assert controller.plan(world) == controller.plan(world)
