"""The autoscaler during deployments: it may add tasks at any time, and takes none away while others are replaced."""

from typing import Any

from support.deployment_run import DeploymentRun
from support.manifests import target_tracking


def _run(**breaker: Any) -> DeploymentRun:
    scaling = {"minCapacity": 1, "maxCapacity": 9, "policies": [target_tracking("CPU", 60)]}
    limits = {"deploymentCircuitBreaker": {"enable": True, **breaker}} if breaker else {}
    return DeploymentRun({"desiredCount": 4, "autoScaling": scaling, "deploymentConfiguration": limits})


def _steps(run: DeploymentRun) -> list[tuple[str, bool | None]]:
    return [(step, run.scales_in) for step in run.steps()]


def test_a_first_deployment_replaces_nothing_and_is_written_once() -> None:
    assert {scales for _, scales in _steps(_run())} == {True}


def test_no_task_is_taken_away_during_a_deployment_and_again_after_it() -> None:
    run = _run()
    list(run.steps())
    run.newest = 2
    assert _steps(run) == [
        ("1: 4/4, 2: 0/4 InProgress", False),
        ("1: 4/4, 2: 4/4 InProgress", False),
        ("2: 4/4 InProgress", False),
        ("2: 4/4 SteadyState", True),
    ]


def test_nor_during_a_rollback() -> None:
    run = _run(rollback=True)
    list(run.steps())
    run.newest, run.bad = 2, frozenset({2})
    steps = dict(_steps(run))
    assert steps["1: 4/4 RollingBack"] is False
    assert steps["1: 4/4 RolledBack"] is True


def test_one_that_was_stopped_is_no_deployment_any_more() -> None:
    run = _run(rollback=False)
    list(run.steps())
    run.newest, run.bad = 2, frozenset({2})
    assert _steps(run)[-1] == ("1: 4/4, 2: 0/4 DeploymentFailed", True)
