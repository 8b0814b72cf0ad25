"""Task scale-in protection: until when a task is protected, what is wrong with an annotation, what is told of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from berth import names
from berth.plan.conditions import State, condition
from berth.plan.moment import written
from berth.plan.outcome import Event, Json
from berth.plan.pod_record import apart
from berth.plan.running_task import counts, task_of
from berth.plan.world import World
from berth.resources import POD

PROTECTION, INVALID = "TaskProtection", "TaskProtectionInvalid"
LONGEST = timedelta(minutes=2880)
"""As on ECS."""
SHOWN = 40


def protected_until(text: str, now: datetime) -> datetime | None:
    """When the protection ends; None where there is none, or none any more."""
    until = _read(text)
    return until if until is not None and now < until <= now + LONGEST else None


def protection_shown(world: World, *, daemon: bool) -> list[Json]:
    """The condition of Services that have tasks which are protected, or were to be."""
    said = [task_of(pod) for pod in (*world.children(POD), *world.group(POD, apart(world.name))) if counts(pod)]
    texts = {task.name: task.protection for task in said if task.protection}
    state = _state(world, texts, daemon=daemon)
    return [condition(world, PROTECTION, state)] if state else []


def protection_told(world: World, shown: Json) -> Iterator[Event]:
    """An event when an annotation is of no use."""
    before = next((one for one in _conditions(world.subject.get("status", {})) if one["type"] == PROTECTION), None)
    now = next((one for one in _conditions(shown) if one["type"] == PROTECTION), None)
    if now and now["reason"] == INVALID and (before is None or before["message"] != now["message"]):
        yield Event("Warning", INVALID, now["message"])


def _state(world: World, texts: dict[str, str], *, daemon: bool) -> State | None:
    if texts and daemon:
        return State(
            INVALID,
            f"{names.PROTECT_UNTIL} has no effect on tasks of schedulingStrategy DAEMON: they stop with their node, "
            "and each node has one; take the annotation away",
        )
    faults = [f"task {name}: {fault}" for name, text in sorted(texts.items()) if (fault := _fault(text, world.now))]
    if faults:
        return State(INVALID, "; ".join(faults[:3]))
    count = sum(protected_until(text, world.now) is not None for text in texts.values())
    if not count:
        return None
    return State("Protected", f"{'1 task is' if count == 1 else f'{count} tasks are'} protected", ready=True)


def _fault(text: str, now: datetime) -> str:
    until = _read(text)
    if until is None:
        example = written(now + timedelta(hours=2))
        return f'{names.PROTECT_UNTIL} is "{text[:SHOWN]}", which is no time; write one as {example}'
    if until > now + LONGEST:
        return (
            f"{names.PROTECT_UNTIL} is {written(until)}, and a task is protected for at most 2880 minutes; "
            f"write {written(now + LONGEST)} or earlier, and a later time when that comes"
        )
    return ""


def _read(text: str) -> datetime | None:
    """A time of RFC 3339, in UTC."""
    try:
        read = datetime.fromisoformat(text) if "T" in text.upper() else None
    except ValueError:
        return None
    return read.astimezone(UTC) if read is not None and read.tzinfo is not None else None


def _conditions(status: Json) -> list[Json]:
    return list(status.get("conditions") or ())
