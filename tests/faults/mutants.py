"""Seeded bugs: each is a mistake that operators really make, as a patch of the engine or of a plan."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from berth.engine import apply, engine, fingerprint, queue, reconcile, store, sweep
from berth.engine.apply import Applier, Attempt
from berth.engine.key import Key
from berth.engine.store import Record
from berth.plan import conditions, service, service_status
from berth.plan.outcome import Child, Json, Plan

Patch = Callable[[], contextlib.AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug, and the oracles that may find it."""

    name: str
    patch: Patch
    oracles: tuple[str, ...]
    """Prefixes of plans, of which the first that differs will do."""


def _swap(holder: object, name: str, other: object) -> Patch:
    return lambda: patch.object(holder, name, other)


# Reading too little before writing.


async def _no_live_look(_self: Applier, attempt: Attempt) -> None:
    attempt.owner_checked = True


async def _adopt(self: Applier, attempt: Attempt, child: Child) -> bool:
    """Whatever has our child's name is ours: applied to by force, as `force=True` on creation would."""
    key = apply.child_key(attempt.subject, child)
    manifest = apply._manifest(attempt.subject, child)
    live = await self._api.apply(key.path, apply._addressed(key, manifest, {}), force=True)
    self._took(attempt, live, key, fingerprint.planned_print(manifest))
    return True


def _by_name(known: Record, subject: Record, child: Child) -> bool:
    """A child belongs to whoever has the name, whichever life of it."""
    return child.outlives or bool(known.owner) or known.key.name == subject.key.name


def _no_precondition(_record: Record) -> Json:
    return {}


# Losing work.


def _no_retry(self: queue.Queue, key: Key, at_least: float = 0.0) -> float:
    self._failures[key] = self._failures.get(key, 0) + 1
    return at_least


_done = queue.Queue.done


def _forgets_changes(self: queue.Queue, key: Key) -> None:
    """What changed while a key was worked on is forgotten."""
    self._again.pop(key, None)
    _done(self, key)


async def _no_sweep(_self: sweep.Sweep) -> int:
    _self.finished_at = _self._clock.monotonic()
    return 0


# Deciding wrongly.


def _prunes_blocked(world: Any) -> Plan:
    """A broken reference tears everything down."""
    plan = _service_plan(world)
    return plan if plan.children is not None else replace(plan, children=())


_service_plan = service.plan


def _blind_print(manifest: Json) -> bytes:
    """A fingerprint that ignores labels."""
    metadata = {name: value for name, value in manifest.get("metadata", {}).items() if name != "labels"}
    return _planned_print({**manifest, "metadata": metadata})


_planned_print = fingerprint.planned_print


def _blind_live(body: Json) -> bytes:
    """The same of a live object."""
    metadata = {name: value for name, value in body["metadata"].items() if name != "labels"}
    return _live_print({**body, "metadata": metadata})


_live_print = fingerprint.live_print


def _generation_of_status(world: Any, state: Any) -> Json:
    """The status claims a generation that it was not computed from."""
    return {**_common(world, state), "observedGeneration": world.subject["metadata"].get("generation", 0) + 1}


_common = conditions.common_status


_apply_children = reconcile.Reconciler._apply


async def _status_first(self: Any, attempt: Attempt, row: Any, plan: Plan) -> bool:
    """The status is written before the children that it tells of."""
    await self._finish(attempt, plan, row, None)
    return bool(await _apply_children(self, attempt, row, plan))


def _never_gone(_self: store.Store, _body: Json, _resource: Any) -> bool:
    """The end of an object is not taken in."""
    return False


_wait_for_nothing = engine.Engine._changed


def _wakes_nobody_else(self: engine.Engine, before: Record | None, after: Record | None, by: Key | None) -> None:
    """A change of a child does not wake its owner."""
    changed = after or before
    if changed is not None and changed.key.resource in self._subjects:
        _wait_for_nothing(self, before, after, by)


@contextlib.contextmanager
def _both(*patches: Patch) -> Generator[None]:
    with contextlib.ExitStack() as stack:
        for one in patches:
            stack.enter_context(one())
        yield


def _table_plan() -> contextlib.AbstractContextManager[Any]:
    """Rows of the table are frozen: the reconciler's own copy of the row is changed."""
    original = reconcile.Reconciler.__init__

    def init(self: Any, table: Any, parts: Any) -> None:
        original(self, table, parts)
        self._rows = {
            resource: replace(row, plan=_prunes_blocked) if row.plan is _service_plan else row
            for resource, row in self._rows.items()
        }

    return patch.object(reconcile.Reconciler, "__init__", init)


MUTANTS = (
    Mutant(
        "no live look at the owner",
        _swap(Applier, "check_owner", _no_live_look),
        ("O5/recreate/services", "O5/recreate/restart", "O5/prune/restart/2"),
    ),
    Mutant("adopts what has the name", _swap(Applier, "_create", _adopt), ("O12/foreign",)),
    Mutant("names instead of uids", _swap(apply, "_is_ours", _by_name), ("O4/recreate", "O5/recreate", "O12")),
    Mutant(
        "writes without precondition",
        _swap(apply, "_as_judged", _no_precondition),
        ("O5/update/restart", "O5/revert/restart"),
    ),
    Mutant("lost retry", _swap(queue.Queue, "retry", _no_retry), ("O8/create",)),
    Mutant("forgets what changed meanwhile", _swap(queue.Queue, "done", _forgets_changes), ("O2/", "O19/", "O4/")),
    Mutant("no sweep", _swap(sweep.Sweep, "once", _no_sweep), ("O6/create/lost", "O18/create")),
    Mutant("prunes what is blocked", _table_plan, ("O3/provider-missing", "O10/")),
    Mutant(
        "a fingerprint without labels",
        lambda: _both(_swap(apply, "planned_print", _blind_print), _swap(store, "live_print", _blind_live)),
        ("O15/ours",),
    ),
    Mutant("the wrong generation", _swap(service_status, "common_status", _generation_of_status), ("O19/create",)),
    Mutant("status before children", _swap(reconcile.Reconciler, "_apply", _status_first), ("O19/", "O14/")),
    Mutant("ends are not seen", _swap(store.Store, "forget_body", _never_gone), ("O19/drift",)),
    Mutant("children wake nobody", _swap(engine.Engine, "_changed", _wakes_nobody_else), ("O19/create",)),
)
