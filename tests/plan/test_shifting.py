"""Deployments that start a second set of tasks, as a user sees them: healthy tasks, the stage, and who gets requests.

Each step shows what stands after it: the stage that is written down is acted on in the next one.
"""

from datetime import timedelta
from typing import Any

import pytest
import yaml

from berth import names
from berth.plan.outcome import Json
from support.golden import CASES, load, world_of
from support.shifting_run import ShiftingRun, shop, slots

TEST: Json = {"testTrafficRules": {"header": {"name": "X-Test", "value": {"exact": "green"}}}}
BLUE_GREEN: Json = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}
CANARY: Json = {
    "strategy": "CANARY",
    "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 5},
    "bakeTimeInMinutes": 5,
}
UP = [
    "1: 2/2, 2: 0/2 InProgress SCALE_UP; 100 % to 1",
    "1: 2/2, 2: 2/2 InProgress SCALE_UP; 100 % to 1",
    "1: 2/2, 2: 2/2 InProgress POST_SCALE_UP; 100 % to 1",
    "1: 2/2, 2: 2/2 InProgress TEST_TRAFFIC_SHIFT; 100 % to 1",
    "1: 2/2, 2: 2/2 InProgress PRODUCTION_TRAFFIC_SHIFT; 100 % to 1",
]
OVER = [
    "1: 2/2, 2: 2/2 InProgress BAKE_TIME; 100 % to 2",
    "1: 2/2, 2: 2/2 InProgress CLEAN_UP; 100 % to 2",
    "2: 2/2 InProgress CLEAN_UP; 100 % to 2",
    "2: 2/2 SteadyState; 100 % to 2",
]
BACK = [
    "1: 2/2, 2: 2/2 RollingBack PRODUCTION_TRAFFIC_SHIFT; 100 % to 1",
    "1: 2/2, 2: 2/2 RollingBack CLEAN_UP; 100 % to 1",
    "1: 2/2 RollingBack CLEAN_UP; 100 % to 1",
    "1: 2/2 RolledBack; 100 % to 1",
]


def _steady(spec: Json, **given: Any) -> ShiftingRun:
    run = ShiftingRun(spec, **given)
    assert list(run.steps())[-1].startswith(f"1: {spec['desiredCount']}/{spec['desiredCount']} SteadyState")
    run.newest = 2
    return run


def _until(run: ShiftingRun, sign: str) -> list[str]:
    seen: list[str] = []
    for step in run.steps():
        seen.append(step)
        if sign in step:
            return seen
    raise AssertionError(f"{sign} never came: {seen}")


def _entry(run: ShiftingRun, number: int) -> Json:
    return next(one for one in run.status["deployments"] if one["id"] == f"web-deployment-{number}")


def test_blue_green_shifts_all_requests_at_once_and_the_old_tasks_go_after_the_bake() -> None:
    run = _steady(shop(**BLUE_GREEN))
    shifted = "1: 2/2, 2: 2/2 InProgress PRODUCTION_TRAFFIC_SHIFT; 100 % to 2"
    assert list(run.steps()) == [*UP, shifted, *OVER]
    assert slots(run) == {"web--b": "b"}
    run.newest = 3
    assert list(run.steps())[-1] == "3: 2/2 SteadyState; 100 % to 3"
    assert slots(run) == {"web": "a"}
    assert not run.lost


def test_test_requests_reach_the_new_tasks_before_any_other() -> None:
    run = _steady(shop(2, TEST, **BLUE_GREEN))
    _until(run, "TEST_TRAFFIC_SHIFT")
    assert run.tested() == {}
    _until(run, "PRODUCTION_TRAFFIC_SHIFT")
    assert (run.requests(), run.tested(), run.inside()) == ({1: 100}, {2: 100}, {1: 100})
    _until(run, "BAKE_TIME")
    assert (run.requests(), run.tested(), run.inside()) == ({2: 100}, {2: 100}, {2: 100})
    list(run.steps())
    assert run.tested() == {}, "the rule for test requests is gone"


def test_canary_shifts_a_part_watches_it_and_shifts_the_rest() -> None:
    run = _steady(shop(**CANARY))
    assert list(run.steps()) == [
        *UP,
        "1: 2/2, 2: 2/2 InProgress PRODUCTION_TRAFFIC_SHIFT; 97.5 % to 1, 2.5 % to 2",
        "1: 2/2, 2: 2/2 InProgress PRODUCTION_TRAFFIC_SHIFT; 100 % to 2",
        *OVER,
    ]
    assert not run.lost


def test_linear_shifts_in_equal_steps() -> None:
    steps = {"stepPercent": 40, "stepBakeTimeInMinutes": 3}
    run = _steady(shop(strategy="LINEAR", linearConfiguration=steps))
    parts: list[dict[int, float]] = []
    for _ in run.steps():
        if run.requests() not in parts[-1:]:
            parts.append(run.requests())
    assert parts == [{1: 100}, {1: 60, 2: 40}, {1: 20, 2: 80}, {2: 100}]
    assert run.inside() == {2: 100}
    assert not run.lost


def test_a_part_is_watched_for_as_long_as_asked_once_it_has_been_shifted() -> None:
    run = _steady(shop(**CANARY))
    _until(run, "2.5 %")
    began = run.now
    said = "PRODUCTION_TRAFFIC_SHIFT: 2.5 percent of the requests go to its tasks, more after"
    assert said in run.status["conditions"][0]["message"]
    assert _entry(run, 2)["requestedProductionTrafficWeight"] == 2.5
    _until(run, "100 % to 2")
    assert 300 - 45 <= (run.now - began).total_seconds() <= 300 + 90


@pytest.mark.parametrize("asked", ["rollback", "abort"])
@pytest.mark.parametrize(
    ("configuration", "when", "share"),
    [
        (BLUE_GREEN, "BAKE_TIME", "100 % to 2"),
        (CANARY, "2.5 %", "97.5 % to 1, 2.5 % to 2"),
        (BLUE_GREEN, "TEST_TRAFFIC_SHIFT", "100 % to 1"),
    ],
    ids=["in-the-bake", "canary", "before-the-shift"],
)
def test_a_fault_brings_the_traffic_back_at_once_and_then_the_new_tasks_go(
    configuration: Json, when: str, share: str, asked: str
) -> None:
    run = _steady(shop(**configuration))
    good = [task.uid for task in run.tasks]
    _until(run, when)
    run.annotations[names.STOP_DEPLOYMENT] = asked
    found = list(run.steps())
    assert found[0].endswith(share), "the verdict is written down before anybody acts on it"
    assert found[-4:] == BACK
    assert [task.uid for task in run.tasks] == good, "no old task stopped, none was started"
    assert not run.lost
    assert run.inside() == {1: 100}
    assert _entry(run, 2)["rolloutState"] == "FAILED"
    assert run.status["stopDeployment"]["message"] == "the deployment was stopped; web-deployment-1 runs again"
    assert list(run.steps()) == ["1: 2/2 RolledBack; 100 % to 1"], "nothing is tried again by itself"


def test_new_tasks_that_fail_never_get_a_request() -> None:
    breaker = {"enable": True, "rollback": False}
    run = _steady(shop(4, deploymentCircuitBreaker=breaker, **BLUE_GREEN), bad=frozenset({2}))
    found = list(run.steps())
    assert found[-1] == "1: 4/4 RolledBack; 100 % to 1"
    assert all(step.endswith("100 % to 1") for step in found)
    run.newest = 3
    assert list(run.steps())[-1] == "3: 4/4 SteadyState; 100 % to 3"


@pytest.mark.parametrize("when", ["SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "2.5 %", "BAKE_TIME"])
def test_a_newer_revision_has_the_traffic_go_back_and_takes_over_the_new_set(when: str) -> None:
    run = _steady(shop(**CANARY))
    _until(run, when)
    run.newest = 3
    found = list(run.steps())
    assert found[0].endswith("InProgress SCALE_UP; 100 % to 1")
    assert found[-1] == "3: 2/2 SteadyState; 100 % to 3"
    assert not run.lost


def test_one_that_comes_while_the_old_tasks_go_starts_from_the_new_ones() -> None:
    run = _steady(shop(**BLUE_GREEN))
    _until(run, "CLEAN_UP")
    run.newest = 3
    found = list(run.steps())
    assert all(step.endswith(("100 % to 2", "100 % to 3")) for step in found)
    assert found[-1] == "3: 2/2 SteadyState; 100 % to 3"
    assert not run.lost


def test_one_that_comes_while_the_traffic_goes_back_starts_from_the_old_ones() -> None:
    run = _steady(shop(**BLUE_GREEN))
    _until(run, "BAKE_TIME")
    run.annotations[names.STOP_DEPLOYMENT] = "rollback"
    _until(run, "RollingBack PRODUCTION_TRAFFIC_SHIFT")
    run.newest = 3
    found = list(run.steps())
    assert found[0].endswith("InProgress SCALE_UP; 100 % to 1")
    assert found[-1] == "3: 2/2 SteadyState; 100 % to 3"
    assert not run.lost


def test_both_sets_scale_while_there_are_two() -> None:
    run = _steady(shop(**BLUE_GREEN))
    _until(run, "BAKE_TIME")
    run.spec["desiredCount"] = 3
    assert "1: 3/3, 2: 3/3 InProgress BAKE_TIME; 100 % to 2" in _until(run, "CLEAN_UP")
    assert run.status["desiredCount"] == 3
    assert list(run.steps())[-1] == "2: 3/3 SteadyState; 100 % to 2"


def test_two_sets_over_three_providers_are_split_alike() -> None:
    strategy = [{"capacityProvider": name, "weight": 1} for name in ("a", "b", "c")]
    run = _steady({**shop(3, **BLUE_GREEN), "capacityProviderStrategy": strategy})
    _until(run, "BAKE_TIME")
    assert run.split() == {"a": 2, "b": 2, "c": 2}
    assert list(run.steps())[-1] == "2: 3/3 SteadyState; 100 % to 2"
    assert sorted(run.live) == ["web-a--b", "web-b--b", "web-c--b"]


def test_the_strategy_alone_restarts_nothing() -> None:
    run = _steady(shop())
    run.newest = 1
    tasks, before = [task.uid for task in run.tasks], run.fronts
    for configuration in (BLUE_GREEN, CANARY, {}):
        run.spec["deploymentConfiguration"] = configuration
        assert list(run.steps())[-1] == "1: 2/2 SteadyState; 100 % to 1"
    assert [task.uid for task in run.tasks] == tasks
    assert run.fronts == before


def test_after_blue_green_a_rolling_deployment_rolls_where_the_tasks_are() -> None:
    run = _steady(shop(**BLUE_GREEN))
    list(run.steps())
    run.spec["deploymentConfiguration"] = {}
    run.newest = 3
    assert list(run.steps())[-1] == "3: 2/2 SteadyState; 100 % to 3"
    assert slots(run) == {"web--b": "b"}
    assert not run.lost


def test_a_rolling_deployment_that_overtakes_a_second_set_removes_it() -> None:
    run = _steady(shop(**BLUE_GREEN))
    _until(run, "BAKE_TIME")
    run.spec["deploymentConfiguration"] = {}
    run.newest = 3
    assert list(run.steps())[-1] == "3: 2/2 SteadyState; 100 % to 3"
    assert slots(run) == {"web": "a"}


def test_without_a_route_blue_green_shifts_the_address() -> None:
    run = _steady({"desiredCount": 2, "deploymentConfiguration": BLUE_GREEN})
    _until(run, "PRODUCTION_TRAFFIC_SHIFT")
    assert run.inside() == {1: 100}
    _until(run, "BAKE_TIME")
    assert run.inside() == {2: 100}
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    assert not any("green" in name for _, name in run.fronts)


def test_each_set_has_a_budget_of_its_own_while_there_are_two() -> None:
    run = _steady(shop(**BLUE_GREEN))
    _until(run, "BAKE_TIME")
    budgets = {
        name: one["spec"]["selector"]["matchLabels"].get(names.SLOT)
        for (kind, name), one in run.fronts.items()
        if kind == "PodDisruptionBudget"
    }
    assert budgets == {"web": "a", "web--green": "b"}
    list(run.steps())
    assert [name for kind, name in run.fronts if kind == "PodDisruptionBudget"] == ["web"]


def test_what_leads_to_the_tasks_is_changed_before_the_next_tasks_start() -> None:
    """A new set whose tasks are in the address before it is their turn would get requests."""
    case = CASES / "traffic_shift" / "the-second-set-begins"
    expected = yaml.safe_load((case / "expected.yaml").read_text())
    kinds = [(one["kind"], one["metadata"]["name"]) for one in expected["children"]]
    assert kinds.index(("Service", "web")) < kinds.index(("Deployment", "web--b"))
    controller, world = world_of(load(case))
    plan = controller.plan(world)
    assert [child.name for child in plan.children or () if child.resource.kind == "Deployment"] == ["web", "web--b"]


def test_a_protected_task_outlives_the_old_set() -> None:
    run = _steady(shop(**BLUE_GREEN))
    kept = run.tasks[0]
    kept.protected = (run.now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    run.newest = 2
    for _ in range(40):
        next(run.steps(), None)
        if slots(run) == {"web--b": "b"}:
            break
    assert slots(run) == {"web--b": "b"}, "the old Deployment is gone"
    assert kept in run.tasks
    assert run.requests() == {2: 100}, "it runs on, and gets no more requests"
    kept.protected = ""
    assert list(run.steps())[-1] == "2: 2/2 SteadyState; 100 % to 2"
    assert not run.lost
