"""Alarms and hooks of deployments that start a second set of tasks, as the steps that a user sees."""

from dataclasses import dataclass
from typing import Any

import pytest

from berth.plan.outcome import Json
from support.gated_run import GatedRun
from support.shifting_run import ShiftingRun, shop

ALERT = "HighErrorRate"
ALARMS: Json = {"alarms": {"alarmNames": [ALERT], "enable": True, "rollback": True}}
SETTINGS: Json = {"platform": {"network": {"gatewayApi": True}, "alarms": {"prometheus": "http://prometheus"}}}
BLUE_GREEN: Json = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}
CANARY: Json = {
    "strategy": "CANARY",
    "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 5},
    "bakeTimeInMinutes": 5,
}
BACK = ["1: 2/2 RollingBack CLEAN_UP; 100 % to 1", "1: 2/2 RolledBack; 100 % to 1"]


@dataclass
class WatchedRun(ShiftingRun, GatedRun):
    """A ShiftingRun with alarms and hooks."""


def _under_way(sign: str, **configuration: Any) -> WatchedRun:
    """With a second deployment that has come so far."""
    run = WatchedRun(shop(**configuration), settings=SETTINGS)
    assert list(run.steps())[-1] == "1: 2/2 SteadyState; 100 % to 1"
    run.newest = 2
    assert any(sign in step for step in _until(run, sign))
    return run


def _until(run: WatchedRun, sign: str) -> list[str]:
    seen: list[str] = []
    for step in run.steps():
        seen.append(step)
        if sign in step:
            break
    return seen


@pytest.mark.parametrize(
    ("configuration", "when"),
    [(CANARY, "2.5 % to 2"), (CANARY, "BAKE_TIME"), (BLUE_GREEN, "BAKE_TIME"), (BLUE_GREEN, "TEST_TRAFFIC_SHIFT")],
    ids=["canary", "canary-in-the-bake", "blue-green-in-the-bake", "before-the-shift"],
)
def test_an_alarm_has_the_traffic_go_back_at_once(configuration: Json, when: str) -> None:
    run = _under_way(when, **configuration, **ALARMS)
    good = [task.uid for task in run.tasks if task.deployment == "web-deployment-1"]
    run.fire(ALERT)
    found = list(run.steps())
    assert found[-2:] == BACK
    assert [task.uid for task in run.tasks] == good, "no old task stopped, none was started"
    assert not run.lost
    failed = next(one for one in run.status["deployments"] if one["id"] == "web-deployment-2")
    assert failed["alarms"]["triggeredAlarmNames"] == [ALERT]
    assert f"alarm detected: {ALERT}" in run.status["conditions"][0]["message"]
    assert list(run.steps()) == BACK[-1:], "nothing is tried again by itself"


def test_alarms_that_are_silent_let_a_canary_complete() -> None:
    run = _under_way("2.5 % to 2", **CANARY, **ALARMS)
    assert list(run.steps())[-1] == "2: 2/2 SteadyState; 100 % to 2"
    assert not run.lost


def test_a_migration_that_fails_once_the_new_set_is_up_leaves_all_requests_where_they_are() -> None:
    hook = {"name": "migrate", "lifecycleStages": ["POST_SCALE_UP"]}
    run = WatchedRun(shop(**BLUE_GREEN, lifecycleHooks=[hook]), settings=SETTINGS)
    list(run.steps())
    run.newest, run.codes = 2, {"web-deployment-2-migrate-post-scale-up": 3}
    found = list(run.steps())
    assert found[-1] == BACK[-1]
    assert all(step.endswith("100 % to 1") for step in found)
