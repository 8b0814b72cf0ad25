"""Conditions and the part of a status that is alike in all kinds: kstatus, kubectl wait, Argo CD and Flux read it."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from berth.plan.moment import written
from berth.plan.outcome import Blocked, Json
from berth.plan.world import World

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"


@dataclass(frozen=True, slots=True)
class State:
    """Where a subject stands: ready, on its way, or stuck until somebody edits it. Exactly one of the three."""

    reason: str
    message: str
    ready: bool = False
    stalled: bool = False


def blocked_state(blocked: Blocked) -> State:
    return State(blocked.reason, blocked.message, stalled=blocked.stalled)


def invalid_spec(error: ValidationError) -> Blocked:
    """An object that an older CRD let in: each fault by field, as the API server would name it."""
    faults = "; ".join(
        f"{_path(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}" for fault in error.errors()
    )
    return Blocked(
        "InvalidSpec", f"{faults}. Running tasks are left as they are until the spec is corrected", stalled=True
    )


def _path(location: tuple[int | str, ...]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def common_status(world: World, state: State) -> Json:
    """What all kinds show: observedGeneration and three conditions, each with the time of its last change."""
    generation = world.subject["metadata"].get("generation", 0)
    statuses = {
        READY: state.ready,
        # Abnormal-true, and never both: tools take Reconciling for progress and Stalled for failure.
        RECONCILING: not state.ready and not state.stalled,
        STALLED: state.stalled,
    }
    before = {condition["type"]: condition for condition in _conditions(world.subject)}
    conditions = [
        _condition(kind, _word(holds), state, before.get(kind), written(world.now), generation)
        for kind, holds in statuses.items()
    ]
    return {"observedGeneration": generation, "conditions": conditions}


def condition(world: World, kind: str, state: State) -> Json:
    """A condition of a kind's own, beside the three."""
    before = next((one for one in _conditions(world.subject) if one["type"] == kind), None)
    generation = world.subject["metadata"].get("generation", 0)
    return _condition(kind, _word(state.ready), state, before, written(world.now), generation)


def became_ready(world: World, state: State) -> bool:
    """True once for each time that the subject turns ready, so that an event is told once."""
    before = next((c for c in _conditions(world.subject) if c["type"] == READY), None)
    return state.ready and (before is None or before["status"] != "True")


def became(world: World, state: State) -> bool:
    """True once for each reason that keeps the subject from being ready."""
    before = next((c for c in _conditions(world.subject) if c["type"] == READY), None)
    return before is None or before["reason"] != state.reason


def _conditions(subject: Json) -> list[Json]:
    return list(subject.get("status", {}).get("conditions") or [])


def _condition(  # noqa: PLR0913, PLR0917  # a condition has these parts
    kind: str, status: str, state: State, before: Json | None, now: str, generation: Any
) -> Json:
    kept = before is not None and before["status"] == status
    return {
        "type": kind,
        "status": status,
        "reason": state.reason,
        "message": state.message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if kept and before is not None else now,
    }


def _word(holds: bool) -> str:  # noqa: FBT001  # the one thing it is about
    return "True" if holds else "False"
