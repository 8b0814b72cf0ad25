"""Protected tasks from start to end, as the steps that a user sees: healthy tasks of all, by deployment, the reason."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berth.plan.moment import written
from berth.plan.outcome import Json
from berth.plan.strategy import Share, split_over
from support.deployment_run import DeploymentRun


def _limits(least: int, most: int, **breaker: object) -> Json:
    limits = {"minimumHealthyPercent": least, "maximumPercent": most}
    return {**limits, **({"deploymentCircuitBreaker": breaker} if breaker else {})}


def _run(desired: int, percents: tuple[int, int] = (100, 200), **more: object) -> DeploymentRun:
    """A Service whose first deployment has completed."""
    run = DeploymentRun({"desiredCount": desired, "deploymentConfiguration": _limits(*percents), **more})
    assert list(run.steps())[-1].endswith("SteadyState")
    return run


def _protect(run: DeploymentRun, *tasks: int, hours: int = 1) -> list[str]:
    for number in tasks:
        run.tasks[number].protected = written(run.now + timedelta(hours=hours))
    return [run.tasks[number].uid for number in tasks]


def _uids(run: DeploymentRun) -> list[str]:
    return sorted(task.uid for task in run.tasks)


def test_protecting_costs_one_task_that_starts_and_goes_and_the_service_stays_ready() -> None:
    run = _run(4)
    before = _uids(run)
    _protect(run, 1)
    assert list(run.steps()) == ["1: 4/5 SteadyState", "1: 4/4 SteadyState"]
    assert _uids(run) == before
    assert run.live["web"]["spec"]["replicas"] == 3


def test_scale_in_leaves_the_protected_and_takes_them_first_when_their_time_has_passed() -> None:
    run = _run(4)
    kept = _protect(run, 0, 1)
    assert list(run.steps())[-1] == "1: 4/4 SteadyState"
    run.spec["desiredCount"] = 1
    assert list(run.steps()) == ["1: 2/2 InProgress"]
    assert _uids(run) == sorted(kept)
    run.now += timedelta(hours=1)
    assert list(run.steps()) == ["1: 1/1 SteadyState"]
    run.spec["desiredCount"] = 3
    assert list(run.steps())[-1] == "1: 3/3 SteadyState"


@pytest.mark.parametrize(
    ("percents", "steps"),
    [
        (
            (100, 200),
            [
                "1: 3/3, 2: 0/3 InProgress",
                "1: 3/3, 2: 3/3 InProgress",
                "1: 1/1, 2: 3/3 InProgress",
            ],
        ),
        (
            (50, 100),
            [
                "1: 2/2, 2: 0/1 InProgress",
                "1: 2/2, 2: 1/1 InProgress",
                "1: 1/1, 2: 1/2 InProgress",
                "1: 1/1, 2: 2/2 InProgress",
            ],
        ),
    ],
    ids=["at-100-200", "at-50-100"],
)
def test_a_deployment_waits_for_a_protected_task_and_completes_without_it(
    percents: tuple[int, int], steps: list[str]
) -> None:
    run = _run(3, percents)
    (kept,) = _protect(run, 0)
    assert list(run.steps())[-1] == "1: 3/3 SteadyState"
    run.newest = 2
    assert list(run.steps()) == steps
    assert kept in _uids(run)
    run.now += timedelta(hours=1)
    assert list(run.steps())[-1] == "2: 3/3 SteadyState"
    assert kept not in _uids(run)


def test_a_rollback_takes_a_protected_task_of_the_failed_deployment_along_once_it_may() -> None:
    limits = _limits(100, 200, enable=True, rollback=True)
    run = DeploymentRun({"desiredCount": 2, "deploymentConfiguration": limits}, bad=frozenset({2}))
    list(run.steps())
    kept = _protect(run, 0)
    list(run.steps())
    run.newest = 2
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    assert set(kept) <= set(_uids(run))


def test_the_split_counts_protected_tasks_toward_their_provider() -> None:
    strategy = [{"capacityProvider": name, "weight": 1} for name in ("a", "b")]
    run = _run(4, capacityProviderStrategy=strategy)
    kept = _protect(run, *(number for number, task in enumerate(run.tasks) if task.home == "web-a"))
    assert list(run.steps())[-1] == "1: 4/4 SteadyState"
    run.spec["desiredCount"] = 2
    assert list(run.steps())[-1] == "1: 2/2 SteadyState"
    assert _uids(run) == sorted(kept)


COUNTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 6))


@given(st.integers(0, 12), COUNTS, COUNTS)
@settings(deadline=None)
def test_a_split_keeps_what_each_must_keep_and_has_too_many_only_for_that(
    total: int, current: dict[str, int], least: dict[str, int]
) -> None:
    strategy = [Share("a", 1, 1), Share("b", 0, 2), Share("c", 0, 1)]
    bound = {name: min(count, current.get(name, 0)) for name, count in least.items()}
    counts = split_over(strategy, total, current, bound)
    assert all(counts[name] >= count for name, count in bound.items())
    assert sum(counts.values()) == total or (
        sum(counts.values()) > total and all(counts[name] == bound.get(name, 0) for name in counts)
    )
    if not any(bound.values()):
        assert counts == split_over(strategy, total, current)
