"""What conditions say of a deployment that failed, and of tasks that cannot be placed or do not start."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from berth.plan.conditions import READY, RECONCILING, STALLED, State, became, common_status
from berth.plan.course import Course
from berth.plan.failed_tasks import threshold
from berth.plan.outcome import Event, Json
from berth.plan.rollout import Rollout, rollout_of
from berth.plan.running_task import running_tasks
from berth.plan.service_status import IMPAIRED
from berth.plan.turns import is_stuck
from berth.plan.world import World

DEGRADED = "Degraded"
ROLLED_BACK, ROLLING_BACK, FAILED, NO_PLACE = "RolledBack", "RollingBack", "DeploymentFailed", "TaskPlacementFailure"
STUCK = "UnableToReplaceTasks"
PATIENCE = timedelta(seconds=60)
"""So long a task may wait for a node before anybody is told: nodes come as tasks ask for them."""
REMEDY = "Correct what it deploys, or give forceNewDeployment a new value to try it again"


@dataclass(frozen=True, slots=True)
class Judged:
    """A Service's status with its deployments judged."""

    state: State
    status: Json
    events: tuple[Event, ...]
    again: timedelta | None


def judged(world: World, course: Course, state: State, shown: Json) -> Judged:
    rollout = rollout_of(world, course)
    waiting, again = ({}, None) if course.settled else _without_a_place(world)
    state = _staged(world, course, state)
    found = (
        _failed(world, course, rollout)
        or _stuck(world, course)
        or _impaired(world, course, state, rollout)
        or _unplaced(world, waiting)
    )
    state = found if found and not state.stalled else state
    status = {**shown, **_conditions(world, state, shown), "deployments": rollout.shown(), **rollout.stop}
    waits = [one for one in (rollout.again, again) if one is not None]
    return Judged(state, status, (*rollout.events, *_told(world, state)), min(waits, default=None))


def _staged(world: World, course: Course, state: State) -> State:
    """All tasks that should run do, but the deployment is not over, or has not begun."""
    moves = state.reason == "InProgress" and bool(course.step.waits)
    if course.settled or not (state.ready or moves):
        return state
    name = course.running.name(world.name)
    return State("InProgress", f"(service {world.name}) (deployment {name}) {course.step.waits or course.step.stage}")


def _conditions(world: World, state: State, shown: Json) -> Json:
    """Those that others added stay; Degraded is there only while something is the matter."""
    common = common_status(world, state)
    kept = [one for one in shown["conditions"] if one["type"] not in {READY, RECONCILING, STALLED}]
    if state.reason in {FAILED, ROLLED_BACK, ROLLING_BACK}:
        stalled = next(one for one in common["conditions"] if one["type"] == STALLED)
        before = world.subject.get("status", {}).get("conditions") or ()
        since = next((one["lastTransitionTime"] for one in before if one["type"] == DEGRADED), None)
        kept.append({**stalled, "type": DEGRADED, **({"lastTransitionTime": since} if since else {})})
    return {"conditions": [*common["conditions"], *kept]}


def _failed(world: World, course: Course, rollout: Rollout) -> State | None:
    name = course.asked.name(world.name)
    entry = rollout.entries.get(name)
    if entry is None or entry.rollout_state != "FAILED":
        return None
    reason = (entry.rollout_state_reason or "").removeprefix("ECS deployment ").removeprefix("circuit breaker: ")
    parts = [f"(service {world.name}) (deployment {name}) deployment failed: {reason.rstrip('.')}"]
    if entry.last_failure:
        parts.append(f"The last failure: {entry.last_failure.rstrip('.')}")
    records = {one.name(world.name) for one in course.past.values()}
    back = rollout.entries.get(entry.rollback.deployment) if entry.rollback else None
    back = back if back is not None and back.id in records else None
    if back is None:
        kind, now = FAILED, "No more of its tasks are started, and those that run stay"
    elif back.rollout_state == "COMPLETED":
        kind, now = ROLLED_BACK, f"{back.id} ({back.task_definition}) runs again"
    elif back.rollout_state == "FAILED":
        kind, now = FAILED, f"{back.id} ({back.task_definition}) was to run again, and was stopped, too"
    else:
        kind, now = ROLLING_BACK, f"Rolling back to {back.id} ({back.task_definition})"
    return State(kind, ". ".join([*parts, now, REMEDY]), stalled=True)


def _stuck(world: World, course: Course) -> State | None:
    if not is_stuck(course.spec, course.tasks, course.running.name(world.name)):
        return None
    limits, desired = course.spec.deployment_configuration, course.tasks.desired
    return State(
        STUCK,
        f"(service {world.name}) was unable to stop or start tasks during a deployment because of the service "
        f"deployment configuration. minimumHealthyPercent {limits.minimum_healthy_percent} and maximumPercent "
        f"{limits.maximum_percent} of {desired} allow exactly {desired}: lower the one, or raise the other",
        stalled=True,
    )


def _impaired(world: World, course: Course, state: State, rollout: Rollout) -> State | None:
    """Tasks fail one after the other, and no circuit breaker does anything about it."""
    if state.reason == IMPAIRED or rollout.failures.count < threshold(course.tasks.desired, course.breaker):
        return None
    if course.settled or not rollout.failures.last:
        return None
    failed = rollout.failures.last
    return State(IMPAIRED, f"(service {world.name}) is unable to consistently start tasks successfully: {failed}")


def _without_a_place(world: World) -> tuple[dict[str, int], timedelta | None]:
    """How many tasks have waited for a node for too long, by provider, and when others will have."""
    since = [(provider, task.waits_since) for provider, tasks in running_tasks(world).items() for task in tasks]
    waits = [(provider, world.now - one) for provider, one in since if one is not None]
    soon = [PATIENCE - one for _, one in waits if one < PATIENCE]
    return Counter(provider for provider, one in waits if one >= PATIENCE), min(soon, default=None)


def _unplaced(world: World, waiting: dict[str, int]) -> State | None:
    if not waiting:
        return None
    where = ", ".join(f"{count} on {provider or 'any node'}" for provider, count in sorted(waiting.items()))
    return State(
        NO_PLACE,
        f"(service {world.name}) was unable to place a task because no container instance met all of its requirements. "
        f"Tasks that wait for a node: {where}",
    )


def _told(world: World, state: State) -> tuple[Event, ...]:
    if not became(world, state):
        return ()
    if state.reason in {NO_PLACE, STUCK}:
        return (Event("Warning", state.reason, state.message),)
    if state.reason == ROLLED_BACK:
        return (Event("Normal", "SteadyState", f"(service {world.name}) has reached a steady state."),)
    return ()
