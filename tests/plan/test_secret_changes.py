"""Secrets that change under a Service with onSecretChange, as the steps that a user sees."""

from datetime import datetime, timedelta
from typing import Any

from support.deployment_run import START, DeploymentRun

LONG_AGO = START - timedelta(days=1)
MOMENT = timedelta(seconds=1)


def _steady(mode: str = "Redeploy", **secrets: None) -> DeploymentRun:
    """Four tasks that run, with their Secrets as they were before."""
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    spec: dict[str, Any] = {"desiredCount": 4, "onSecretChange": mode, "deploymentConfiguration": breaker}
    run = DeploymentRun(spec, secrets=dict.fromkeys(secrets or {"db": None}, LONG_AGO))
    assert list(run.steps())[-1] == "1: 4/4 SteadyState"
    return run


def _lately(run: DeploymentRun) -> datetime:
    """So long ago that nothing more is waited for."""
    return run.now - timedelta(seconds=15)


def _reasons(run: DeploymentRun) -> dict[str, str]:
    return {one["id"]: one["reason"] for one in run.status["deployments"] if "reason" in one}


def test_a_change_is_one_deployment_and_then_there_is_rest() -> None:
    run = _steady()
    run.secrets["db"] = _lately(run)
    assert list(run.steps()) == [
        "1: 4/4, 2: 0/4 InProgress",
        "1: 4/4, 2: 4/4 InProgress",
        "2: 4/4 InProgress",
        "2: 4/4 SteadyState",
    ]
    assert _reasons(run) == {"web-deployment-2": "Secret db has changed"}
    assert list(run.steps()) == ["2: 4/4 SteadyState"]


def test_what_changes_before_the_deployment_starts_is_in_it() -> None:
    run = _steady(db=None, key=None)
    run.secrets["db"] = _lately(run)
    run.secrets["key"] = _lately(run) + MOMENT
    assert list(run.steps())[-1] == "2: 4/4 SteadyState"
    assert _reasons(run) == {"web-deployment-2": "Secret db and Secret key have changed"}


def test_what_changes_while_a_deployment_is_under_way_supersedes_it() -> None:
    run = _steady(db=None, key=None)
    run.secrets["db"] = _lately(run)
    steps = run.steps()
    assert next(steps) == "1: 4/4, 2: 0/4 InProgress"
    run.secrets["key"] = _lately(run)
    assert list(run.steps())[-1] == "3: 4/4 SteadyState"
    assert _reasons(run)["web-deployment-3"] == "Secret key has changed"


def test_a_bad_value_is_rolled_back_once_and_a_good_one_deploys() -> None:
    run = _steady()
    good = [task.uid for task in run.tasks]
    run.bad, run.secrets["db"] = frozenset({1}), _lately(run)
    run.bad_from = 2
    assert list(run.steps())[-1] == "1: 4/4 RolledBack"
    assert [task.uid for task in run.tasks] == good, "tasks that run are left with what they started with"
    assert list(run.steps()) == ["1: 4/4 RolledBack"], "the value that failed is not tried again"
    run.bad, run.secrets["db"] = frozenset(), _lately(run)
    assert list(run.steps())[-1] == "3: 4/4 SteadyState"


def test_a_new_revision_takes_the_change_along() -> None:
    run = _steady()
    run.secrets["db"] = _lately(run)
    run.newest = 2
    assert list(run.steps())[-1] == "2: 4/4 SteadyState"
    assert list(run.steps()) == ["2: 4/4 SteadyState"]


def test_a_setting_that_comes_and_goes_starts_nothing() -> None:
    run = _steady("Ignore")
    run.spec["onSecretChange"] = "Redeploy"
    assert list(run.steps()) == ["1: 4/4 SteadyState"]
    run.secrets["db"] = _lately(run)
    assert list(run.steps())[-1] == "2: 4/4 SteadyState"
    run.spec["onSecretChange"] = "Ignore"
    assert list(run.steps()) == ["2: 4/4 SteadyState"]
    run.secrets["db"] = _lately(run)
    assert list(run.steps()) == ["2: 4/4 SteadyState"]
