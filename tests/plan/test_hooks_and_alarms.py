"""Migrations that gate a deployment, and alarms that end one, as the steps that a user sees."""

from datetime import timedelta
from typing import Any

import pytest

from berth.plan.outcome import Json
from support.gated_run import GatedRun

HOUR = timedelta(hours=1)
JOB = "web-deployment-2-migrate-pre-scale-up"
ALERT = "HighErrorRate"
PLATFORM = {"alarms": {"prometheus": "http://prometheus"}}


def _hook(name: str = "migrate", *stages: str, **more: Any) -> Json:
    return {"name": name, "lifecycleStages": list(stages or ("PRE_SCALE_UP",)), **more}


def _spec(*hooks: Json, **configuration: Any) -> Json:
    if hooks:
        configuration["lifecycleHooks"] = list(hooks)
    return {"desiredCount": 2, "deploymentConfiguration": configuration}


def _steady(spec: Json, **run: Any) -> GatedRun:
    """A Service whose first deployment has completed with all that it has, with a second revision registered."""
    made = GatedRun(spec, settings={"platform": PLATFORM})
    assert list(made.steps())[-1] == "1: 2/2 SteadyState"
    made.newest = 2
    for name, value in run.items():
        setattr(made, name, value)
    return made


def _said(run: GatedRun) -> str:
    return str(run.status["conditions"][0]["message"])


def test_a_migration_runs_once_before_the_first_task_of_each_deployment() -> None:
    run = _steady(_spec(_hook()))
    assert list(run.steps()) == [
        "1: 2/2 InProgress PRE_SCALE_UP",
        "1: 2/2 InProgress SCALE_UP",
        "1: 2/2, 2: 0/2 InProgress SCALE_UP",
        "1: 2/2, 2: 2/2 InProgress SCALE_UP",
        "2: 2/2 InProgress SCALE_UP",
        "2: 2/2 SteadyState",
    ]
    assert run.started == ["web-deployment-1-migrate-pre-scale-up", JOB]
    assert run.hooks(2) == ["migrate SUCCEEDED"]
    assert JOB in run.jobs, "it stays, for its logs"
    del run.jobs[JOB]
    run.spec["desiredCount"] = 3
    assert list(run.steps())[-1] == "2: 3/3 SteadyState"
    assert run.started[2:] == [], "a Job that somebody deleted is not made again"


def test_a_migration_that_fails_ends_the_deployment_and_the_old_tasks_stay() -> None:
    run = _steady(_spec(_hook()), codes={JOB: 3})
    before = [task.uid for task in run.tasks]
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    assert [task.uid for task in run.tasks] == before
    assert run.hooks(2) == ["migrate FAILED"]
    why = "PRE_SCALE_UP: hook migrate failed: Essential container in task exited: container web, exit code 3."
    assert why in _said(run)
    assert run.events[-4].endswith(why)
    # Another deployment has a migration of its own.
    run.spec["forceNewDeployment"] = "the database is back"
    assert list(run.steps())[-1] == "3: 2/2 SteadyState"
    assert run.started[1:] == [JOB, "web-deployment-3-migrate-pre-scale-up"]


def test_with_nothing_to_go_back_to_nothing_runs() -> None:
    run = GatedRun(_spec(_hook()), codes={"web-deployment-1-migrate-pre-scale-up": 1})
    assert list(run.steps()) == ["InProgress PRE_SCALE_UP", "DeploymentFailed"]
    assert not run.tasks


def test_a_check_after_the_tasks_fails_and_they_come_back_without_any_hook() -> None:
    check = "web-deployment-2-check-post-scale-up"
    run = _steady(_spec(_hook("check", "POST_SCALE_UP")), codes={check: 1})
    steps = list(run.steps())
    assert steps[-1] == "1: 2/2 RolledBack"
    assert "2: 2/2 InProgress POST_SCALE_UP" in steps
    assert run.started == ["web-deployment-1-check-post-scale-up", check]


def test_hooks_of_a_stage_run_one_after_the_other_and_the_first_that_fails_is_the_last() -> None:
    run = _steady(_spec(_hook("one"), _hook("two"), _hook("three")))
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    mine = [name.removeprefix("web-deployment-2-").partition("-")[0] for name in run.started[3:]]
    assert mine == ["one", "two", "three"]
    run.codes["web-deployment-3-two-pre-scale-up"] = 1
    run.newest = 3
    assert list(run.steps())[-1] == "2: 2/2 RolledBack"
    assert run.hooks(3) == ["one SUCCEEDED", "two FAILED"]


def test_a_hook_may_have_two_stages() -> None:
    run = _steady(_spec(_hook("both", "PRE_SCALE_UP", "POST_SCALE_UP")))
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    assert run.started[2:] == ["web-deployment-2-both-pre-scale-up", "web-deployment-2-both-post-scale-up"]


def test_a_migration_that_was_taken_away_as_it_ran_has_failed() -> None:
    run = _steady(_spec(_hook()), slow=frozenset({JOB}))
    assert list(run.steps())[-1] == "1: 2/2 InProgress PRE_SCALE_UP"
    del run.jobs[JOB]
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    assert run.started.count(JOB) == 1
    assert "its Job was deleted before it had ended" in _said(run)


def test_one_that_cannot_start_says_why_and_gives_way_to_the_correction() -> None:
    run = _steady(_spec(_hook()), stuck=frozenset({JOB}))
    assert list(run.steps())[-1] == "1: 2/2 InProgress PRE_SCALE_UP"
    assert "hook migrate waits: container web: CannotPullContainerError: not there" in _said(run)
    run.newest = 3
    assert list(run.steps())[-1] == "3: 2/2 SteadyState"
    assert JOB not in run.jobs


def test_one_that_runs_is_left_to_end_before_the_next_begins() -> None:
    run = _steady(_spec(_hook()), slow=frozenset({JOB}))
    list(run.steps())
    run.newest = 3
    assert list(run.steps())[-1] == "1: 2/2 InProgress PRE_SCALE_UP"
    assert f"hook migrate waits until Job {JOB} has ended" in _said(run)
    run.slow = frozenset()
    assert list(run.steps())[-1] == "3: 2/2 SteadyState"


def test_without_a_status_nothing_that_has_run_runs_again_as_long_as_its_job_is_there() -> None:
    run = _steady(_spec(_hook()))
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    run.status = {"observedGeneration": -1}
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    assert run.started.count(JOB) == 1


@pytest.mark.parametrize(("action", "end"), [("ROLLBACK", "1: 2/2 RolledBack"), ("CONTINUE", "2: 2/2 SteadyState")])
def test_one_that_takes_too_long(action: str, end: str) -> None:
    timeout = {"timeoutInMinutes": 5, "action": action}
    run = _steady(_spec(_hook(timeoutConfiguration=timeout)), slow=frozenset({JOB}))
    list(run.steps())
    run.late = frozenset({JOB})
    assert list(run.steps())[-1] == end
    assert run.hooks(2) == ["migrate TIMED_OUT"]


def _alarmed(**configuration: Any) -> Json:
    return _spec(**{"alarms": {"alarmNames": [ALERT], "enable": True, "rollback": True}, **configuration})


def test_an_alarm_in_the_deployment_undoes_it() -> None:
    run = _steady(_alarmed())
    steps = run.steps()
    assert next(steps) == "1: 2/2, 2: 0/2 InProgress SCALE_UP"
    run.fire(ALERT)
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    assert f"deployment failed: alarm detected: {ALERT}" in _said(run)


def test_an_alarm_in_the_bake_undoes_it_and_the_way_back_is_not_watched() -> None:
    run = _steady(_alarmed())
    steps = run.steps()
    while not next(steps).endswith("BAKE_TIME"):
        pass
    assert run.first()["alarms"] == {"status": "MONITORING", "alarmNames": [ALERT]}
    run.fire(ALERT)
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    failed = run.status["deployments"][1]
    assert failed["alarms"] == {"status": "TRIGGERED", "alarmNames": [ALERT], "triggeredAlarmNames": [ALERT]}


def test_without_rollback_it_only_stops() -> None:
    run = _steady(_alarmed(alarms={"alarmNames": [ALERT], "enable": True}))
    steps = run.steps()
    next(steps)
    run.fire(ALERT)
    assert list(run.steps())[-1] == "1: 2/2, 2: 2/2 DeploymentFailed"


def test_a_rolling_deployment_with_alarms_bakes_for_five_minutes_unless_somebody_says_it() -> None:
    run = _steady(_alarmed())
    began = run.now
    assert "2: 2/2 InProgress BAKE_TIME" in list(run.steps())
    assert run.now - began > timedelta(minutes=5)
    assert run.first()["alarms"]["status"] == "MONITORING_COMPLETE"
    run.spec["deploymentConfiguration"]["bakeTimeInMinutes"] = 0
    run.newest = 3
    assert "3: 2/2 InProgress BAKE_TIME" not in list(run.steps())


def test_an_alarm_that_fired_already_does_not_stop_the_cure() -> None:
    run = _steady(_alarmed())
    run.fire(ALERT, ago=HOUR)
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    assert run.first()["alarms"]["status"] == "DISABLED"
    assert any("fired already when the deployment began" in event for event in run.events)


def test_an_alarm_that_is_first_read_as_the_deployment_would_complete_counts() -> None:
    run = _steady(_alarmed(bakeTimeInMinutes=0))
    run.unread = True
    assert list(run.steps())[-1] == "2: 2/2 InProgress BAKE_TIME"
    run.unread = False
    run.fire(ALERT)
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"


def test_an_alarm_that_nobody_can_read_stops_nothing_and_is_told_once() -> None:
    run = _steady(_alarmed(), problem="Prometheus cannot be reached (TimeoutError)")
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    told = [event for event in run.events if "alarms say nothing" in event]
    head = "(service web) (deployment web-deployment-2) alarms say nothing"
    assert told == [f"{head}: {ALERT}: Prometheus cannot be reached (TimeoutError)"]


def test_alarms_that_are_not_enabled_are_not_looked_at() -> None:
    run = _steady(_spec(alarms={"alarmNames": [ALERT]}))
    run.fire(ALERT)
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
    assert "alarms" not in run.first()
