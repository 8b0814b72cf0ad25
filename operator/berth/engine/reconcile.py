"""One subject at a time: look at the world, plan, write what differs, say so in the status."""

import logging
from dataclasses import dataclass

from berth.engine.api import Api
from berth.engine.apply import Applier, Attempt, Outdated, OwnerGone, child_key
from berth.engine.clock import Clock
from berth.engine.controller import Controller, Table
from berth.engine.errors import NamespaceTerminating, NotFound, Refused
from berth.engine.events import Events
from berth.engine.interest import ONE, Interests, Question, Tracked
from berth.engine.key import Key
from berth.engine.marks import Marker
from berth.engine.metrics import Metrics
from berth.engine.status import OPERATOR_ERROR, REFUSED, merge_patch, with_failure
from berth.engine.store import Record, Store
from berth.engine.taking import Taker
from berth.engine.tokens import NoToken, Tokens
from berth.plan.outcome import Json, Plan
from berth.plan.world import World
from berth.resources import Resource
from berth.settings import Settings

_log = logging.getLogger(__name__)

_PASSES = 8
"""A plan that still wants changes after so many passes waits its turn again."""


class Unsettled(Exception):  # noqa: N818  # a finding, not a fault
    """The subject must be looked at again soon: a fault of ours, a refusal, an object in the way."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a reconciliation that did not fail."""

    again: float | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reconciler works with."""

    api: Api
    store: Store
    interests: Interests
    events: Events
    metrics: Metrics
    clock: Clock
    settings: Settings
    tokens: Tokens


class Reconciler:
    """Brings subjects of every kind in the table to what their plans say."""

    def __init__(self, table: Table, parts: Parts) -> None:
        self._rows = {row.resource: row for row in table.controllers}
        self._absent = table.absent
        self._parts = parts
        self._applier = Applier(parts.api, parts.store, parts.clock, parts.metrics)
        self._applier.tokens = parts.tokens.values
        self._marker = Marker(parts.api, parts.store)
        self._taker = Taker(parts.api, parts.store, self._applier)
        self._in_the_way: dict[Key, frozenset[Key]] = {}
        self._status_as_stored: dict[Key, tuple[Json, Json]] = {}

    async def reconcile(self, key: Key) -> Outcome:
        """Raises ApiError or Unsettled when another attempt is due; None of them loses what was done."""
        subject = self._parts.store.get(key)
        if subject is None or subject.deleting or not self._serves(key.resource):
            self._parts.interests.drop(key)
            return Outcome()
        attempt = Attempt(subject, self._in_the_way.get(key, frozenset()), set(self._in_the_way.get(key, ())))
        try:
            return await self._run(attempt, self._rows[key.resource])
        except (OwnerGone, NamespaceTerminating) as reason:
            _log.info("%s waits for an event: %s", key, reason)
            return Outcome()

    def forget(self, key: Key) -> None:
        """An object is gone, a subject or a child: keep nothing about it."""
        self._applier.forget(key)
        self._in_the_way.pop(key, None)
        self._status_as_stored.pop(key, None)
        if key.resource in self._rows:
            self._parts.interests.drop(key)

    async def _run(self, attempt: Attempt, row: Controller) -> Outcome:
        plan = Plan(children=None)
        failure: tuple[str, str, str] | None = None
        unsettled = ""
        for _ in range(_PASSES):
            planned = self._plan(attempt, row)
            if planned is None:
                failure = ("Unknown", OPERATOR_ERROR, "the operator could not work this object out: see its log")
                unsettled = "the plan failed"
                break
            plan = planned
            if plan.ends and row.ends:
                await self._end(attempt)
                return Outcome()
            try:
                if not await self._apply(attempt, row, plan):
                    break
            except Outdated:
                continue
            except (Refused, NotFound) as error:
                if isinstance(error, NamespaceTerminating):
                    raise
                failure = ("False", REFUSED, str(error))
                unsettled = str(error)
                break
        else:
            unsettled = f"no rest after {_PASSES} passes"
        await self._finish(attempt, plan, row, failure)
        if unsettled or attempt.missing:
            raise Unsettled(unsettled or attempt.missing)
        if attempt.unwatched:
            raise Unsettled("waits for objects in its way: " + ", ".join(map(str, sorted(attempt.in_the_way))))
        waits = [plan.again.total_seconds() if plan.again is not None else None, attempt.look_again]
        return Outcome(min((wait for wait in waits if wait is not None), default=None))

    async def _end(self, attempt: Attempt) -> None:
        """Delete the subject, in the state that its plan judged; what it owns goes with it."""
        subject = self._parts.store.get(attempt.subject.key)
        if subject is not None and not subject.deleting:
            await self._applier.remove(attempt, subject)
            _log.info("%s has served its time", subject.key)

    def _plan(self, attempt: Attempt, row: Controller) -> Plan | None:
        """Ask the plan; None when it broke."""
        store = self._parts.store
        subject = store.get(attempt.subject.key) or attempt.subject
        attempt.planned_for = subject.kept
        lookup = Tracked(store)
        world = World(
            subject=subject.body(),
            lookup=lookup,
            now=self._parts.clock.now(),
            settings=self._parts.settings,
            absent=self._absent,
            owned=_by_kind(store, subject.uid),
            not_owned=tuple(f"{key.resource.kind}/{key.name}" for key in sorted(attempt.in_the_way)),
        )
        plan: Plan | None = None
        try:
            plan = row.plan(world)
        except Exception:  # noqa: BLE001  # its subject shows it, the others go on
            _log.exception("planning %s failed", subject.key)
            self._parts.metrics.count("berth_plan_failures_total")
        names = {_question(child_key(subject, child)) for child in (plan.children or () if plan else ())}
        known = {question for question in names if not _is_owned(store, question, subject.uid)}
        self._parts.interests.replace(subject.key, lookup.questions | known)
        return plan

    async def _apply(self, attempt: Attempt, row: Controller, plan: Plan) -> bool:
        """Write what differs, in the plan's order, then remove what is planned no more. True when the world moved."""
        if plan.children is None:
            return False
        before = frozenset(attempt.in_the_way)
        attempt.in_the_way.clear()
        attempt.unwatched = False
        attempt.look_again = None
        attempt.missing = ""
        moved = await self._touch(attempt, row, plan)
        wanted: set[Key] = set()
        for child in plan.children:
            wanted.add(child_key(attempt.subject, child))
            try:
                moved |= await self._applier.ensure(attempt, child)
            except NoToken as reason:
                attempt.missing = str(reason)
        for record in list(self._parts.store.owned(attempt.subject.uid)):
            if record.key.resource in row.owns and record.key not in wanted and not record.deleting:
                await self._applier.remove(attempt, record)
                moved = True
        for removal in plan.removals:
            if removal.resource in row.takes:
                moved |= await self._taker.remove(attempt, removal)
        attempt.seen_in_the_way = frozenset(attempt.in_the_way)
        return moved or attempt.seen_in_the_way != before

    async def _touch(self, attempt: Attempt, row: Controller, plan: Plan) -> bool:
        """What is done to others' objects before the children are written."""
        moved = False
        for take in plan.takes:
            if take.resource in row.takes:
                moved |= await self._taker.take(attempt, take)
        for mark in plan.marks:
            if mark.resource in row.marks:
                moved |= await self._marker.put(attempt.subject, mark)
        return moved

    async def _finish(
        self, attempt: Attempt, plan: Plan, row: Controller, failure: tuple[str, str, str] | None
    ) -> None:
        """One status patch if the status differs, and only after it the events."""
        key = attempt.subject.key
        if attempt.in_the_way:
            self._in_the_way[key] = frozenset(attempt.in_the_way)
        else:
            self._in_the_way.pop(key, None)
        subject = self._parts.store.get(key)
        if subject is None or subject.uid != attempt.subject.uid or not row.writes_status:
            return
        body = subject.body()
        live: Json = body.get("status") or {}
        status = plan.status if plan.status is not None else live
        if failure is not None:
            status = with_failure(status, live, failure, self._parts.clock.now())
        if status != live and self._status_as_stored.get(key) != (status, live):
            await self._write_status(subject, status, live)
            self._parts.events.tell(subject, plan.events)

    async def _write_status(self, subject: Record, status: Json, live: Json) -> None:
        key, store = subject.key, self._parts.store
        body: Json = {
            "metadata": {"uid": subject.uid, "resourceVersion": str(subject.version)},
            "status": merge_patch(live, status),
        }
        try:
            answer = await self._parts.api.merge(f"{key.path}/status", body)
        except NotFound:
            store.forget(key, subject.uid, subject.version + 1)
            return
        store.see(answer, key.resource, key)
        stored: Json = answer.get("status") or {}
        self._status_as_stored.pop(key, None)
        if stored != status:
            _log.warning("the status of %s is stored otherwise than it was planned; taken as it is", key)
            self._parts.metrics.count("berth_noncanonical_total")
            self._status_as_stored[key] = (status, stored)

    def _serves(self, resource: Resource) -> bool:
        return resource in self._rows and (resource.namespaced or not self._parts.settings.namespaces)


def _by_kind(store: Store, uid: str) -> dict[Resource, tuple[Json, ...]]:
    found: dict[Resource, list[Record]] = {}
    for record in store.owned(uid):
        found.setdefault(record.key.resource, []).append(record)
    return {
        resource: tuple(record.body() for record in sorted(records, key=lambda record: record.key.name))
        for resource, records in found.items()
    }


def _question(key: Key) -> Question:
    return (key.resource, ONE, key.namespace, key.name)


def _is_owned(store: Store, question: Question, uid: str) -> bool:
    record = store.get(Key(question[0], question[2], question[3]))
    return record is not None and record.owner == uid
