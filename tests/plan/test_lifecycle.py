"""The lifecycle of a deployment as a user sees it: what holds it up, what it bakes for, and what ends it meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from berth import names
from berth.api.service_deployment import LifecycleStage
from berth.plan import lifecycle
from berth.plan.lifecycle_stage import Answer, Underway
from berth.plan.outcome import Json
from berth.plan.world import World
from support.deployment_run import DeploymentRun

Shut = Callable[[LifecycleStage], "Door"]
FIVE = {"bakeTimeInMinutes": 5}


def _spec(**configuration: object) -> Json:
    return {"desiredCount": 2, "deploymentConfiguration": configuration}


def _steady(spec: Json) -> DeploymentRun:
    run = DeploymentRun(spec)
    assert list(run.steps())[-1] == "1: 2/2 SteadyState"
    run.newest = 2
    return run


@dataclass
class Door:
    """A gate that the test opens."""

    answer: Answer = field(default_factory=lambda: Answer(waits="PRE_SCALE_UP: the door is shut"))
    asked: list[str] = field(default_factory=list[str])

    def __call__(self, _: World, underway: Underway) -> Answer:
        self.asked.append(f"{underway.stage} of {underway.deployment.number}")
        return self.answer


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Shut:
    def shut(stage: LifecycleStage) -> Door:
        made = Door(Answer(waits=f"{stage}: the door is shut"))
        monkeypatch.setitem(lifecycle.GATES, stage, (made,))
        return made

    return shut


def test_a_rolling_deployment_completes_after_its_bake_time() -> None:
    run = _steady(_spec(**FIVE))
    assert list(run.steps()) == [
        "1: 2/2, 2: 0/2 InProgress SCALE_UP",
        "1: 2/2, 2: 2/2 InProgress SCALE_UP",
        "2: 2/2 InProgress SCALE_UP",
        "2: 2/2 InProgress BAKE_TIME",
        "2: 2/2 SteadyState",
    ]
    assert run.events[-2:] == [
        "(service web) has reached a steady state.",
        "(service web) (deployment web-deployment-2) deployment completed.",
    ]


def test_it_bakes_for_as_long_as_asked_and_says_until_when() -> None:
    run = _steady(_spec(**FIVE))
    steps = run.steps()
    while not next(steps).endswith("BAKE_TIME"):
        pass
    began = run.now
    message = run.status["conditions"][0]["message"]
    assert "(deployment web-deployment-2) BAKE_TIME: it is watched until " in message
    assert next(steps) == "2: 2/2 SteadyState"
    assert timedelta(minutes=5) - timedelta(seconds=45) <= run.now - began <= timedelta(minutes=5, seconds=45)


def test_a_fault_in_the_bake_time_brings_the_old_tasks_back() -> None:
    run = _steady(_spec(**FIVE))
    steps = run.steps()
    while not next(steps).endswith("BAKE_TIME"):
        pass
    run.annotations[names.STOP_DEPLOYMENT] = "rollback"
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    failed = next(one for one in run.status["deployments"] if one["id"] == "web-deployment-2")
    assert (failed["rolloutState"], failed["lifecycleStage"]) == ("FAILED", "BAKE_TIME")


def test_while_it_is_held_what_ran_before_goes_on_and_scales(door: Shut) -> None:
    run = _steady(_spec())
    shut = door("PRE_SCALE_UP")
    assert list(run.steps()) == ["1: 2/2 InProgress PRE_SCALE_UP"]
    assert "web-deployment-2" in run.records, "what it will run is frozen already"
    run.spec["desiredCount"] = 3
    assert list(run.steps())[-1] == "1: 3/3 InProgress PRE_SCALE_UP"
    shut.answer = Answer()
    assert list(run.steps())[-1] == "2: 3/3 SteadyState"
    assert set(shut.asked) == {"PRE_SCALE_UP of 2"}


def test_a_gate_that_fails_ends_the_deployment_and_no_task_stops(door: Shut) -> None:
    run = _steady(_spec())
    shut, before = door("PRE_SCALE_UP"), [task.uid for task in run.tasks]
    list(run.steps())
    shut.answer = Answer(failed="PRE_SCALE_UP: the migration ended with code 1")
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    assert [task.uid for task in run.tasks] == before
    said = "deployment failed: lifecycle: PRE_SCALE_UP: the migration ended with code 1. web-deployment-1"
    assert said in run.status["conditions"][0]["message"]


def test_a_first_deployment_that_is_held_runs_nothing(door: Shut) -> None:
    run, shut = DeploymentRun(_spec()), door("PRE_SCALE_UP")
    assert list(run.steps()) == ["InProgress PRE_SCALE_UP"]
    shut.answer = Answer(failed="PRE_SCALE_UP: the migration ended with code 1")
    assert list(run.steps()) == ["DeploymentFailed"]
    assert not run.tasks
    shut.answer = Answer()
    run.spec["forceNewDeployment"] = "once more"
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"


def test_one_that_supersedes_a_held_one_is_held_over_what_runs(door: Shut) -> None:
    run = _steady(_spec())
    shut = door("PRE_SCALE_UP")
    list(run.steps())
    run.newest = 3
    assert list(run.steps())[-1] == "1: 2/2 InProgress PRE_SCALE_UP"
    shut.answer = Answer()
    assert list(run.steps())[-1] == "3: 2/2 SteadyState"
    assert all(task.deployment == "web-deployment-3" for task in run.tasks)


def test_one_that_follows_a_failed_one_is_held_over_the_good_tasks(door: Shut) -> None:
    run = _steady({**_spec(deploymentCircuitBreaker={"enable": True, "rollback": True})})
    run.bad = frozenset({2})
    assert list(run.steps())[-1] == "1: 2/2 RolledBack"
    door("PRE_SCALE_UP")
    run.newest = 3
    assert list(run.steps())[-1] == "1: 2/2 InProgress PRE_SCALE_UP"


def test_a_gate_after_the_tasks_keeps_it_from_completing(door: Shut) -> None:
    run, shut = _steady(_spec()), door("POST_SCALE_UP")
    assert list(run.steps())[-1] == "2: 2/2 InProgress POST_SCALE_UP"
    shut.answer = Answer()
    assert list(run.steps())[-1] == "2: 2/2 SteadyState"
