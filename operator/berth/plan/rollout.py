"""How far a Service's deployments are: counts of each, failed tasks, verdicts, the way back, and what is told of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from berth import names
from berth.api.service_deployment import CircuitBreakerStatus, DeploymentRollback, ServiceDeployment
from berth.plan import lifecycle_hook, secret_change
from berth.plan.alarms import fallen_silent, over
from berth.plan.course import Case, Course, Fault, fault_of
from berth.plan.deployment_record import Deployment
from berth.plan.failed_tasks import Failures, Health, failures, pods_of, threshold
from berth.plan.healthy import is_checked
from berth.plan.history import Entries, remembered, to_go_back_to
from berth.plan.image_digest import shown
from berth.plan.lifecycle import Step
from berth.plan.lifecycle_stage import ALL
from berth.plan.moment import written
from berth.plan.outcome import Event, Json
from berth.plan.parts import is_ready
from berth.plan.service_status import counted
from berth.plan.stop_deployment import stop_asked
from berth.plan.world import World
from berth.resources import POD

NO_WAY_BACK = "There is no completed deployment to go back to."


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the status shows of deployments."""

    entries: Entries
    """By name, what is to run first."""
    stop: Json
    """The answer to a request to stop."""
    events: tuple[Event, ...]
    failures: Failures
    verdict: bool
    """A deployment has just failed: the next plan, which reads that in the status, acts on it."""
    step: Step
    """What becomes of the stage that the deployment is in."""

    @property
    def again(self) -> timedelta | None:
        waits = [one for one in (self.failures.again, self.step.again) if one is not None]
        return timedelta() if self.verdict else min(waits, default=None)

    def shown(self) -> list[Json]:
        return [one.model_dump(by_alias=True, exclude_none=True) for one in self.entries.values()]


def rollout_of(world: World, course: Course) -> Rollout:
    """Judge what is under way; nothing is acted on here."""
    before = remembered(world)
    name = course.running.name(world.name)
    own = before.get(name)
    # Tasks are looked at one by one only while something moves: at rest they wake nobody.
    pods = () if course.settled else world.group(POD, world.name)
    under_way = (own is None or own.rollout_state == "IN_PROGRESS") and not course.settled
    under_way = under_way and (own is None or own.lifecycle_stage != "CLEAN_UP")
    failed = _failures(world, course, own, pods) if under_way else Failures(count=(own and own.failed_tasks) or 0)
    stop = stop_asked(world)
    entry = _entry(world, course, own, failed)
    entry = entry.model_copy(update=_beside(world, course, own, under_way=under_way))
    fault = fault_of(world, Case(course, stop, failed)) if under_way else None
    target = to_go_back_to(world, before, course.past, course.running) if fault and fault.goes_back else None
    entries = {name: entry}
    if fault:
        entries |= _failed(world, _ended(course, entry, fault, target), fault, target)
        if target is not None and target.slot != course.running.slot:
            entries |= _traffic_back(entries[target.name(world.name)])
    entries |= {one.id: one for one in _others(world, course, before, pods) if one.id not in entries}
    kept = _newest(world, _counted(world, entries, name), name)
    kept = {one.id: _dated(world, one, before.get(one.id)) for one in kept.values()}
    answer = stop.answer(name, under_way=under_way, way_back=target.name(world.name) if target else "")
    events = (*_told(world, before, kept), *fallen_silent(world.name, own, kept[name]))
    return Rollout(kept, answer, events, failed, fault is not None, course.step)


def _failures(world: World, course: Course, own: ServiceDeployment | None, pods: tuple[Json, ...]) -> Failures:
    checked, breaker = is_checked(course.running.template), course.breaker
    health = Health(checked, world.settings.healthy_seconds, breaker.reset_on_healthy_task)
    mine = pods_of(pods, course.running.name(world.name))
    return failures(world, own, mine, health)


def _entry(world: World, course: Course, own: ServiceDeployment | None, failed: Failures) -> ServiceDeployment:
    """The deployment that is to run, as long as nothing speaks against it."""
    name = course.running.name(world.name)
    state = own.rollout_state if own else "IN_PROGRESS"
    reason = own.rollout_state_reason if own else f"ECS deployment {name} in progress."
    if state == "IN_PROGRESS" and course.settled:
        state, reason = "COMPLETED", f"ECS deployment {name} completed."
    moving, at = state == "IN_PROGRESS", _stage(course, own, state)
    return ServiceDeployment(
        id=name,
        status="PRIMARY",
        task_definition=course.running.inputs["taskDefinition"],
        desired_count=course.tasks.desired,
        running_count=0,
        pending_count=0,
        failed_tasks=failed.count,
        rollout_state=state,
        rollout_state_reason=reason,
        lifecycle_stage=at.stage,
        lifecycle_stage_since=at.since if at.stage else None,
        reason=own.reason if own else secret_change.reason(course.running, course.past),
        requested_test_traffic_weight=at.test,
        requested_production_traffic_weight=at.production,
        last_failure=failed.last or (own.last_failure if own else None),
        created_at=own.created_at if own else None,
        finished_at=own.finished_at if own else None,
        deployment_circuit_breaker=_breaker(course, state, failed.count)
        if moving or own is None
        else _stays(own, state),
        container_images=shown(course.running.template, course.running.pins, course.running.images),
        rollback=own.rollback if own else None,
        healthy_tasks=failed.healthy or None if moving else None,
        failing_tasks=list(failed.tasks) or None if moving else None,
    )


def _beside(world: World, course: Course, own: ServiceDeployment | None, *, under_way: bool) -> Json:
    """What its hooks and alarms say."""
    details = lifecycle_hook.details(world, course.running, own)
    alarms = course.alarms(world).shown if under_way else None
    return {"lifecycle_hook_details": list(details.values()) or None, "alarms": alarms or over(own)}


def _stage(course: Course, own: ServiceDeployment | None, state: str) -> Step:
    """Where it stands; one that has failed shows where."""
    if state == "FAILED" and own is not None:
        weights = own.requested_test_traffic_weight, own.requested_production_traffic_weight
        return Step(own.lifecycle_stage, own.lifecycle_stage_since, test=weights[0], production=weights[1])
    return course.step if state == "IN_PROGRESS" else Step()


def _stays(own: ServiceDeployment, state: str) -> CircuitBreakerStatus | None:
    """What the circuit breaker saw last; a deployment that is over is watched no more."""
    seen = own.deployment_circuit_breaker
    if seen is None or state == "FAILED" or seen.status != "MONITORING":
        return seen
    return seen.model_copy(update={"status": "MONITORING_COMPLETE"})


def _breaker(course: Course, state: str, count: int) -> CircuitBreakerStatus | None:
    if course.spec.deployment_configuration.deployment_circuit_breaker is None:
        return None
    most = threshold(course.tasks.desired, course.breaker)
    if not course.breaker.enable:
        return CircuitBreakerStatus(status="DISABLED", failure_count=count, threshold=most)
    watching = "MONITORING" if state == "IN_PROGRESS" else "MONITORING_COMPLETE"
    triggered = state == "FAILED" and count >= most
    return CircuitBreakerStatus(status="TRIGGERED" if triggered else watching, failure_count=count, threshold=most)


def _ended(course: Course, entry: ServiceDeployment, fault: Fault, target: Deployment | None) -> ServiceDeployment:
    """The verdict."""
    reason = fault.reason if target or not fault.goes_back else f"{fault.reason} {NO_WAY_BACK}"
    return entry.model_copy(
        update={
            "rollout_state": "FAILED",
            "rollout_state_reason": reason,
            "deployment_circuit_breaker": _breaker(course, "FAILED", entry.failed_tasks or 0),
            "healthy_tasks": None,
            "failing_tasks": None,
        }
    )


def _failed(world: World, ended: ServiceDeployment, fault: Fault, target: Deployment | None) -> Entries:
    """The verdict, and the deployment that comes back in its place."""
    if target is None:
        return {ended.id: ended}
    name = target.name(world.name)
    way = DeploymentRollback(deployment=name, reason=fault.reason, started_at=written(world.now))
    back = f"{fault.reason.partition(':')[0]}: rolling back to deploymentId {name}."
    again = {"rollout_state": "IN_PROGRESS", "rollout_state_reason": back, "failed_tasks": 0, "finished_at": None}
    return {
        ended.id: ended.model_copy(update={"rollback": way}),
        name: remembered(world)[name].model_copy(update=again),
    }


def _traffic_back(entry: ServiceDeployment) -> Entries:
    """Its tasks run still, beside those of the one that failed: what goes back is the traffic."""
    shift: Json = {"lifecycle_stage": "PRODUCTION_TRAFFIC_SHIFT", "requested_production_traffic_weight": ALL}
    return {entry.id: entry.model_copy(update=shift)}


def _others(world: World, course: Course, before: Entries, pods: tuple[Json, ...]) -> Iterator[ServiceDeployment]:
    """Deployments that are not to run: ACTIVE for as long as they have tasks."""
    unnamed = _before_tasks_said(course)
    for name, entry in before.items():
        mine = [pod for pod in pods_of(pods, name) if "deletionTimestamp" not in pod["metadata"]]
        if unnamed is not None and name == unnamed.name(world.name):
            mine += [pod for pod in pods if names.DEPLOYMENT not in pod["metadata"].get("annotations", {})]
        ready = sum(map(is_ready, mine))
        yield entry.model_copy(
            update={
                "status": "ACTIVE" if mine else "INACTIVE",
                "desired_count": course.tasks.desired if course.other and course.other.name(world.name) == name else 0,
                "running_count": ready,
                "pending_count": len(mine) - ready,
                "healthy_tasks": None,
                "failing_tasks": None,
            }
        )


def _before_tasks_said(course: Course) -> Deployment | None:
    """The newest deployment of an older release, whose tasks do not say which one they are of."""
    silent = [
        number
        for number, one in course.past.items()
        if names.DEPLOYMENT not in one.template["metadata"].get("annotations", {})
    ]
    return course.past[max(silent)] if silent else None


def _counted(world: World, entries: Entries, name: str) -> Entries:
    """What no other deployment has is the running one's."""
    ready, pending = counted(world).values()
    others = [one for one in entries.values() if one.id != name]
    counts = {
        "running_count": max(0, ready - sum(one.running_count for one in others)),
        "pending_count": max(0, pending - sum(one.pending_count for one in others)),
    }
    return {**entries, name: entries[name].model_copy(update=counts)}


def _newest(world: World, entries: Entries, first: str) -> Entries:
    """What is to run, and then the newest; older ones that still have tasks, or are the way back, stay in sight."""
    order = sorted(entries.values(), key=lambda one: (one.id == first, _number(one)), reverse=True)
    back = next((one.id for one in order[1:] if one.rollout_state == "COMPLETED"), "")
    most = world.settings.deployment_history
    kept = order[:most] + [one for one in order[most:] if one.status == "ACTIVE" or one.id == back]
    return {one.id: one for one in kept}


def _number(entry: ServiceDeployment) -> int:
    return int(entry.id.rpartition("-")[2])


def _dated(world: World, entry: ServiceDeployment, before: ServiceDeployment | None) -> ServiceDeployment:
    """With the time of its last change; nothing that stays is written anew."""
    if before is not None and before.model_copy(update={"updated_at": None}) == entry.model_copy(
        update={"updated_at": None}
    ):
        return before
    now = written(world.now)
    ended = entry.rollout_state != "IN_PROGRESS" and (before is None or before.rollout_state == "IN_PROGRESS")
    finished = now if ended else entry.finished_at
    return entry.model_copy(update={"updated_at": now, "created_at": entry.created_at or now, "finished_at": finished})


def _told(world: World, before: Entries, now: Entries) -> Iterator[Event]:
    """ECS's service events, one for each change."""
    for entry in now.values():
        was = before.get(entry.id)
        if was is None and entry.reason:
            yield Event(
                "Normal", "SecretChanged", f"(service {world.name}) has started deployment {entry.id}: {entry.reason}."
            )
        if was is not None and was.rollout_state == entry.rollout_state:
            continue
        head = f"(service {world.name}) (deployment {entry.id})"
        if entry.rollout_state == "COMPLETED":
            yield Event("Normal", "DeploymentCompleted", f"{head} deployment completed.")
        elif entry.rollout_state == "FAILED":
            reason = (
                (entry.rollout_state_reason or "").removeprefix("ECS deployment ").removeprefix("circuit breaker: ")
            )
            yield Event("Warning", "DeploymentFailed", f"{head} deployment failed: {reason}")
            if entry.rollback is not None:
                back = f"(service {world.name}) rolling back to deployment {entry.rollback.deployment}."
                yield Event("Warning", "RollingBack", back)
