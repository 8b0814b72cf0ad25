"""Failed tasks of a deployment, counted: each restart before a task was healthy, each minute of waiting in vain.

The count and what was counted of each task that still exists stand in the Service's status. So an operator that starts
anew forgets none and counts none twice. A task that is gone needs no memory: its pod's uid never comes back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from berth import names
from berth.api.circuit_breaker import HUNDRED, DeploymentCircuitBreaker
from berth.api.service_deployment import FailingTask, ServiceDeployment
from berth.plan.moment import moment, written
from berth.plan.outcome import Json
from berth.plan.world import World

FEWEST, MOST = 3, 200
MINUTE = timedelta(seconds=60)
OUT_OF_MEMORY = "OOMKilled"
KILLED = frozenset({137, 143})
"""Exit codes of a container that was ended from outside."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What has failed of one deployment."""

    count: int = 0
    """Failed tasks that count."""
    healthy: int = 0
    """The most tasks that were healthy at a time."""
    tasks: tuple[FailingTask, ...] = ()
    """Those that still exist."""
    last: str = ""
    """The last failure in a sentence."""
    by_check: bool = False
    """The last one was a failed health check."""
    again: timedelta | None = None
    """When there may be more to count though nothing happens."""


@dataclass(frozen=True, slots=True)
class Health:
    """When a task of this deployment counts as healthy."""

    checked: bool
    """A health check says so."""
    seconds: int
    """How long it must run where there is no check."""
    reset: bool = True
    """Counting begins anew when another task has become healthy."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One task, looked at."""

    new: int
    task: FailingTask | None
    why: str = ""
    by_check: bool = False
    again: timedelta | None = None


def threshold(desired: int, breaker: DeploymentCircuitBreaker) -> int:
    """How many failed tasks are too many."""
    rule = breaker.threshold_configuration
    if rule.type == "COUNT":
        return rule.value
    part = -(-desired * rule.value // HUNDRED)
    return max(1, part) if rule.type == "UNBOUNDED_PERCENT" else min(MOST, max(FEWEST, part))


def failures(world: World, before: ServiceDeployment | None, pods: Iterable[Json], health: Health) -> Failures:
    """What is to be remembered of a deployment's failed tasks, given what was."""
    known = {one.uid: one for one in (before.failing_tasks if before else None) or ()}
    looked = [(pod, _look(world, pod, known.get(pod["metadata"]["uid"]), health)) for pod in pods]
    count = (before.failed_tasks if before else None) or 0
    count += sum(look.new for _, look in looked)
    healthy = sum(_is_healthy(world.now, pod, health) for pod, _ in looked)
    most = (before.healthy_tasks if before else None) or 0
    told = [look for _, look in looked if look.new]
    waits = [look.again for _, look in looked if look.again is not None]
    if count and health.reset:
        waits += _until_healthy(world.now, [pod for pod, _ in looked], health)
    return Failures(
        count=0 if health.reset and healthy > most else count,
        healthy=max(most, healthy),
        tasks=tuple(look.task for _, look in looked if look.task is not None),
        last=told[-1].why if told else (before.last_failure if before else None) or "",
        by_check=told[-1].by_check if told else False,
        again=min(waits, default=None),
    )


def pods_of(pods: Iterable[Json], deployment: str) -> list[Json]:
    """A deployment's tasks say of which one they are; those of older releases do not."""
    return [pod for pod in pods if pod["metadata"].get("annotations", {}).get(names.DEPLOYMENT) == deployment]


def _look(world: World, pod: Json, known: FailingTask | None, health: Health) -> _Look:
    trouble: Json = pod["status"].get("trouble", {})
    before = known or FailingTask(uid=pod["metadata"]["uid"])
    if failed := trouble.get("failed"):
        new = int(not before.ended and not failed.get("disrupted"))
        return _Look(new, before.model_copy(update={"ended": True, "waiting_since": None}), _of_the_whole(failed))
    restarts = int(trouble.get("restarts", 0))
    last: Json = trouble.get("last", {})
    new = 0 if _was_healthy(pod, last, health) else max(0, restarts - before.restarts)
    task = before.model_copy(update={"restarts": max(restarts, before.restarts)})
    why, by_check = _of_a_run(last, health)
    waiting = trouble.get("waiting")
    if waiting is None or "deletionTimestamp" in pod["metadata"]:
        task = task.model_copy(update={"waiting_since": None})
        return _Look(new, task if task.restarts else None, why, by_check)
    since = moment(task.waiting_since) if task.waiting_since else world.now
    minutes = (world.now - since) // MINUTE
    since += minutes * MINUTE
    task = task.model_copy(update={"waiting_since": written(since)})
    why = f"container {waiting['container']}: {waiting['kind']}: {waiting['message']}"
    return _Look(new + minutes, task, why, again=since + MINUTE - world.now)


def _ready(pod: Json) -> Json:
    none: Json = {}
    return next((one for one in pod["status"]["conditions"] if one["type"] == "Ready"), none)


def _is_healthy(now: datetime, pod: Json, health: Health) -> bool:
    ready = _ready(pod)
    if ready.get("status") != "True" or "deletionTimestamp" in pod["metadata"]:
        return False
    return health.checked or now - moment(ready["lastTransitionTime"]) >= timedelta(seconds=health.seconds)


def _until_healthy(now: datetime, pods: Sequence[Json], health: Health) -> list[timedelta]:
    """How long until those that run without a check will have run for long enough."""
    since = [moment(_ready(pod)["lastTransitionTime"]) for pod in pods if _ready(pod).get("status") == "True"]
    waits = [one + timedelta(seconds=health.seconds) - now for one in since]
    return [] if health.checked else [one for one in waits if one > timedelta()]


def _was_healthy(pod: Json, last: Json, health: Health) -> bool:
    """Whether the run that ended had been healthy: what ends later is no failure of the deployment."""
    if "startedAt" not in last or last["startedAt"] is None:
        return False
    if not health.checked:
        return moment(last["finishedAt"]) - moment(last["startedAt"]) >= timedelta(seconds=health.seconds)
    ready = _ready(pod)
    return ready.get("status") == "False" and ready["lastTransitionTime"] > last["startedAt"]


def _of_the_whole(failed: Json) -> str:
    return f"the task failed: {': '.join(filter(None, (failed['reason'], failed['message']))) or 'no reason is given'}"


def _of_a_run(last: Json, health: Health) -> tuple[str, bool]:
    """Why a container's run ended, and whether its health check ended it."""
    if not last:
        return "a container was started anew", False
    name, code = last["container"], last.get("exitCode")
    own = "message" in last or last.get("reason", "") == OUT_OF_MEMORY
    if not own and health.checked and code in KILLED:
        return f"container {name} failed its health check and was ended (exit code {code})", True
    return end_of_a_run(last), False


def end_of_a_run(last: Json) -> str:
    """In ECS's words, with the runtime's message where the container never ran."""
    name = last["container"]
    if "message" in last:
        return f"container {name}: CannotStartContainerError: {last['message']}"
    if last.get("reason", "") == OUT_OF_MEMORY:
        return f"container {name}: OutOfMemoryError: it used more memory than it may"
    return f"Essential container in task exited: container {name}, exit code {last.get('exitCode')}"
