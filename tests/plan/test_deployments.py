"""Deployments from start to end, as the steps that a user sees: healthy tasks of all, by deployment, and the reason."""

from typing import Any

import pytest

from berth import names
from berth.api.circuit_breaker import DeploymentCircuitBreaker
from berth.plan import failed_tasks
from berth.plan.outcome import Json
from support.deployment_run import DeploymentRun
from support.deployment_sequences import PAIRS, SEQUENCES, THREE, Sequence, bounds, spec_of

BAD = frozenset({2})


def _spec(desired: int, percents: tuple[int, int] = (100, 200), **breaker: Any) -> Json:
    configuration: Json = {"minimumHealthyPercent": percents[0], "maximumPercent": percents[1]}
    if breaker:
        configuration["deploymentCircuitBreaker"] = {"enable": True, **breaker}
    return {"desiredCount": desired, "deploymentConfiguration": configuration}


def _steady(spec: Json, bad: frozenset[int] = frozenset()) -> DeploymentRun:
    """A Service whose first deployment has completed, with a second revision registered."""
    run = DeploymentRun(spec, bad)
    assert list(run.steps())[-1].endswith("SteadyState")
    run.newest = 2
    return run


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda one: one.name)
def test_a_deployment_reads_as_its_steps(sequence: Sequence) -> None:
    """tests/cluster/test_sequences.py runs the same on a cluster."""
    run = _steady(sequence.spec, frozenset(number for number, one in enumerate(sequence.releases, 2) if one.fails))
    split, least, most = run.split(), *bounds(sequence.desired, sequence.percents)
    for number, release in enumerate(sequence.releases, 2):
        run.newest, run.least, run.most = number, run.healthy(), len(run.tasks)
        if release.end:
            assert tuple(run.steps()) == release.steps
        else:
            next(run.steps())
        assert least <= run.least
        assert run.most <= most
    assert [(one["id"], one["rolloutState"]) for one in run.status["deployments"]] == list(sequence.shown)
    assert run.split() == split


def test_a_bad_revision_is_rolled_back_and_no_good_task_stops() -> None:
    run = _steady(_spec(4, rollback=True), BAD)
    good = [task.uid for task in run.tasks]
    assert list(run.steps()) == [
        "1: 4/4, 2: 0/4 InProgress",
        "1: 4/4, 2: 0/4 RollingBack",
        "1: 4/4 RollingBack",
        "1: 4/4 RolledBack",
    ]
    assert [task.uid for task in run.tasks] == good
    assert run.events[-4:] == [
        "(service web) (deployment web-deployment-2) deployment failed: tasks failed to start.",
        "(service web) rolling back to deployment web-deployment-1.",
        "(service web) (deployment web-deployment-1) deployment completed.",
        "(service web) has reached a steady state.",
    ]


def test_without_rollback_it_stops_where_it_is() -> None:
    run = _steady(_spec(4, (50, 150), rollback=False), BAD)
    assert list(run.steps()) == ["1: 2/2, 2: 0/4 InProgress", "1: 2/2, 2: 0/4 DeploymentFailed"]


def test_with_nothing_to_go_back_to_it_stops_and_says_so() -> None:
    run = DeploymentRun(_spec(4, rollback=True), frozenset({1}))
    assert list(run.steps()) == ["1: 0/4 InProgress", "1: 0/4 DeploymentFailed"]
    assert "There is no completed deployment to go back to" in run.status["conditions"][0]["message"]


def test_a_rollback_that_fails_stops_and_leaves_the_next_deployment_its_way_back() -> None:
    run = _steady(_spec(4, (0, 100), rollback=True))
    assert list(run.steps())[-1] == "2: 4/4 SteadyState"
    run.newest, run.bad = 3, frozenset({3})
    steps = run.steps()
    assert [next(steps), next(steps)] == ["3: 0/4 InProgress", "3: 0/4 RollingBack"]
    run.bad = frozenset({2, 3})
    assert list(run.steps())[-1] == "2: 0/4 DeploymentFailed"
    assert [(one["id"], one["rolloutState"], one.get("rollback", {}).get("deployment")) for one in _shown(run)] == [
        ("web-deployment-2", "FAILED", None),
        ("web-deployment-3", "FAILED", "web-deployment-2"),
        ("web-deployment-1", "COMPLETED", None),
    ]
    assert list(run.steps()) == ["2: 0/4 DeploymentFailed"], "something goes on though nothing has changed"
    run.newest, run.bad = 4, frozenset({2, 3, 4})
    assert list(run.steps())[-1] == "1: 4/4 RolledBack"


def _shown(run: DeploymentRun) -> list[Json]:
    return list(run.status["deployments"])


def test_a_bad_revision_is_tried_again_when_asked_and_not_before() -> None:
    run = _steady(_spec(4, rollback=True), BAD)
    assert list(run.steps())[-1] == "1: 4/4 RolledBack"
    assert list(run.steps()) == ["1: 4/4 RolledBack"], "something goes on though nothing has changed"
    run.bad = frozenset()
    run.spec["forceNewDeployment"] = "the registry is back"
    assert list(run.steps())[-1] == "3: 4/4 SteadyState"


@pytest.mark.parametrize(
    ("request_", "end"), [("rollback", "1: 4/4 RolledBack"), ("abort", "1: 4/4, 2: 0/4 DeploymentFailed")]
)
def test_stopped_by_hand(request_: str, end: str) -> None:
    run = _steady(_spec(4), BAD)
    steps = run.steps()
    next(steps)
    run.annotations[names.STOP_DEPLOYMENT] = request_
    assert list(run.steps())[-1] == end
    run.newest = 3
    assert list(run.steps())[-1] == "3: 4/4 SteadyState", "what stands there still was answered once"


@pytest.mark.parametrize(
    ("desired", "rule", "threshold"),
    [
        (1, {}, 3),
        (6, {}, 3),
        (7, {}, 4),
        (10, {}, 5),
        (25, {}, 13),
        (400, {}, 200),
        (1000, {}, 200),
        (100, {"type": "BOUNDED_PERCENT", "value": 10}, 10),
        (10, {"type": "COUNT", "value": 1}, 1),
        (1000, {"type": "UNBOUNDED_PERCENT", "value": 50}, 500),
        (0, {"type": "UNBOUNDED_PERCENT", "value": 1}, 1),
    ],
)
def test_thresholds(desired: int, rule: Json, threshold: int) -> None:
    breaker = DeploymentCircuitBreaker.model_validate({"enable": True, "thresholdConfiguration": rule})
    assert failed_tasks.threshold(desired, breaker) == threshold


@pytest.mark.parametrize(("desired", "threshold"), [(1, 3), (7, 4), (10, 5), (25, 13)])
def test_it_trips_at_its_threshold_and_not_one_before(desired: int, threshold: int) -> None:
    run = _steady(_spec(desired, rollback=True, thresholdConfiguration={"type": "BOUNDED_PERCENT", "value": 50}), BAD)
    run.fail_one_by_one = True
    counts: list[tuple[int, str]] = []
    for _ in run.steps():
        own = next(one for one in run.status["deployments"] if one["id"] == "web-deployment-2")
        counts.append((own["failedTasks"], own["rolloutState"]))
    assert (threshold, "FAILED") in counts
    assert {state for count, state in counts if count < threshold} == {"IN_PROGRESS"}


@pytest.mark.parametrize(("desired", "percents", "moves"), PAIRS)
@pytest.mark.parametrize("providers", [1, 3])
def test_every_pair_moves_within_its_limits_or_says_that_it_cannot(
    desired: int, percents: tuple[int, int], providers: int, *, moves: bool
) -> None:
    run = _steady(spec_of(desired, percents, THREE[:providers]))
    run.least, run.most = desired, desired
    assert list(run.steps())[-1] == (
        f"2: {desired}/{desired} SteadyState" if moves else f"1: {desired}/{desired} UnableToReplaceTasks"
    )
    least, most = bounds(desired, percents)
    assert run.most <= most
    assert run.least >= least
