"""The one place from which children are written: made, brought back to plan, removed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from berth.engine.api import Api
from berth.engine.clock import Clock
from berth.engine.errors import Conflict, Invalid, NotFound
from berth.engine.fight import Fights
from berth.engine.fingerprint import NOT_APPLIED, live_print, planned_print
from berth.engine.key import Key
from berth.engine.metrics import Metrics
from berth.engine.seal import unsealed
from berth.engine.store import Record, Store, controller_uid, version_of
from berth.engine.tokens import NoToken
from berth.names import FIELD_MANAGER, MANAGED_BY
from berth.plan.outcome import Child, Json

_log = logging.getLogger(__name__)

_NEVER = "1"
"""A resourceVersion that no object ever has. With it an apply makes an object, or conflicts with the one that is there:
without it, an apply whose fields happen not to collide would merge itself into somebody else's object."""


class OwnerGone(Exception):  # noqa: N818  # a finding, not a fault
    """The subject does not exist any more, or is going away: nothing may be made or removed in its name."""


class Outdated(Exception):  # noqa: N818  # a finding, not a fault
    """The subject is not what it was when it was planned for: plan again before anything is made or removed."""


@dataclass(slots=True)
class Attempt:
    """One reconciliation of one subject."""

    subject: Record
    seen_in_the_way: frozenset[Key] = frozenset()
    """What the attempt before this one found in the way."""
    in_the_way: set[Key] = field(default_factory=set[Key])
    """Objects that have the names of our children and are somebody else's."""
    unwatched: bool = False
    """One of them is not watched: no event will tell when it goes."""
    missing: str = ""
    """What a child waits for that nobody has yet."""
    owner_checked: bool = False
    planned_for: bytes = b""
    """The subject as the plan that is being carried out saw it."""
    look_again: float | None = None
    """Seconds after which a child that somebody keeps changing may be restored again."""


class Applier:
    """Writes children, and takes what the server answers into the store."""

    def __init__(self, api: Api, store: Store, clock: Clock, metrics: Metrics) -> None:
        self._api = api
        self.tokens = _none
        """The tokens that sealed objects are made of."""
        self._store = store
        self._metrics = metrics
        self._accepted: dict[Key, tuple[bytes, bytes]] = {}
        self._fights = Fights(clock)
        metrics.counter("berth_noncanonical_total", "Applies that the API server stored otherwise than planned.")

    async def ensure(self, attempt: Attempt, child: Child) -> bool:
        """Make a child be as planned. True when something was written, or turned out to be otherwise than known."""
        key = child_key(attempt.subject, child)
        known = self._store.get(key)
        if known is None:
            return await self._create(attempt, child)
        if not _is_ours(known, attempt.subject, child):
            if not self._is_leftover(known):
                attempt.in_the_way.add(key)
            return False
        manifest = _manifest(attempt.subject, child)
        planned = planned_print(manifest)
        if known.deleting or self._is_as(known, planned):
            return False
        if (wait := self._fights.wait(key, planned)) > 0:
            attempt.look_again = min(wait, attempt.look_again or wait)
            return False
        try:
            live = await self._api.apply(key.path, self._sent(child, key, manifest, _as_judged(known)), force=True)
        except (Conflict, Invalid):
            if await self.look(known) is None:
                raise Conflict(f"{key} changed meanwhile") from None
            raise
        self._fights.applied(key, planned)
        self._took(attempt, live, key, planned)
        return True

    async def remove(self, attempt: Attempt, record: Record) -> None:
        """Delete what the subject controls and no longer plans: that very object, in the state that was judged."""
        await self.check_owner(attempt)
        options = {"propagationPolicy": "Background", "preconditions": _as_judged(record)}
        try:
            answer = await self._api.delete(record.key.path, options)
        except NotFound:
            answer = {}
        except Conflict:
            await self.look(record)
            raise
        if "deletionTimestamp" in answer.get("metadata", {}):
            self._store.see(answer, record.key.resource, attempt.subject.key)
        else:
            self._store.forget(record.key, record.uid, record.version + 1, attempt.subject.key)

    def forget(self, key: Key) -> None:
        """A child is gone: what was learnt about it is worthless."""
        self._accepted.pop(key, None)
        self._fights.forget(key)

    async def _create(self, attempt: Attempt, child: Child) -> bool:
        key = child_key(attempt.subject, child)
        if key in attempt.seen_in_the_way and not await self._is_free(attempt, child):
            return self._store.get(key) is not None
        await self.check_owner(attempt)
        manifest = _manifest(attempt.subject, child)
        try:
            live = await self._api.apply(
                key.path, self._sent(child, key, manifest, {"resourceVersion": _NEVER}), force=False
            )
        except Conflict:
            if await self._is_free(attempt, child):
                raise
            return self._store.get(key) is not None
        self._took(attempt, live, key, planned_print(manifest))
        return True

    def _sent(self, child: Child, key: Key, manifest: Json, precondition: Json) -> Json:
        """The manifest with its name, its precondition, and what nobody but the API server may see."""
        try:
            return unsealed(_addressed(key, manifest, precondition), child.seal, self.tokens())
        except KeyError as missing:
            raise NoToken(f"{key} waits for the token {missing.args[0]}") from None

    async def _is_free(self, attempt: Attempt, child: Child) -> bool:
        """Whether nothing has the child's name. What is not ours is in the way.

        What is ours will be told by its watch, and only then is it written to: whoever did not know of it may not know
        either what has become of the rest. No watch tells of what lost our label: that goes to the store at once.
        """
        key = child_key(attempt.subject, child)
        live = await self._get(key)
        if live is None:
            return True
        ours = live_print(live) != NOT_APPLIED if child.outlives else controller_uid(live) == attempt.subject.uid
        labels: Json = live["metadata"].get("labels") or {}
        if ours and labels.get(MANAGED_BY) == FIELD_MANAGER:
            raise Conflict(f"{key} is there already, and the watches have not told yet")
        if ours:
            self._store.see(live, key.resource, attempt.subject.key)
        else:
            attempt.in_the_way.add(key)
            attempt.unwatched = True
        return False

    def _is_as(self, known: Record, planned: bytes) -> bool:
        return known.fingerprint == planned or self._accepted.get(known.key) == (planned, known.fingerprint)

    def _is_leftover(self, known: Record) -> bool:
        """Made by us for an owner that is gone: garbage collection takes it, and its end wakes the subject."""
        return known.fingerprint != NOT_APPLIED and bool(known.owner) and not self._store.subject_with(known.owner)

    def _took(self, attempt: Attempt, live: Json, key: Key, planned: bytes) -> None:
        self._store.see(live, key.resource, attempt.subject.key)
        record = self._store.get(key)
        if record is None or record.version != version_of(live) or record.fingerprint == planned:
            return
        if self._accepted.get(key) != (planned, record.fingerprint):
            _log.warning("%s is stored otherwise than it was planned; taken as it is", key)
            self._metrics.count("berth_noncanonical_total")
        self._accepted[key] = (planned, record.fingerprint)

    async def check_owner(self, attempt: Attempt) -> None:
        """Ask the server itself, once an attempt, whether the subject still is, and is what was planned for."""
        if attempt.owner_checked:
            return
        key = attempt.subject.key
        live = await self.look(attempt.subject)
        known = self._store.get(key)
        if live is None or known is None or known.deleting or "deletionTimestamp" in live["metadata"]:
            raise OwnerGone(str(key))
        if version_of(live) > known.version:
            # All else that is known may be as old as this: the watches must catch up first.
            raise Conflict(f"{key} is newer than what the watches told")
        if known.kept != attempt.planned_for:
            raise Outdated(str(key))
        attempt.owner_checked = True

    async def look(self, known: Record) -> Json | None:
        """The live object, if it still is that very one; None, and the store knows, when the name is another's."""
        live = await self._get(known.key)
        if live is None:
            self._store.forget(known.key, known.uid, known.version + 1)
            return None
        if live["metadata"].get("uid") == known.uid:
            return live
        self._store.see(live, known.key.resource)
        return None

    async def _get(self, key: Key) -> Json | None:
        try:
            return await self._api.get(key.path)
        except NotFound:
            return None


def _as_judged(record: Record) -> Json:
    """The precondition that an object is that very one, in the state that was judged."""
    return {"uid": record.uid, "resourceVersion": str(record.version)}


def _none() -> Mapping[str, str]:
    return {}


def child_key(subject: Record, child: Child) -> Key:
    namespace = subject.key.namespace or child.namespace
    return Key(child.resource, namespace if child.resource.namespaced else "", child.name)


def _is_ours(known: Record, subject: Record, child: Child) -> bool:
    if child.outlives:
        return known.fingerprint != NOT_APPLIED
    return known.owner == subject.uid


def _manifest(subject: Record, child: Child) -> Json:
    """The manifest as it is applied, but for what names the object."""
    planned: Json = child.manifest.get("metadata") or {}
    metadata: Json = {key: planned[key] for key in ("annotations", "finalizers") if planned.get(key)}
    metadata["labels"] = {MANAGED_BY: FIELD_MANAGER, **(planned.get("labels") or {})}
    if not child.outlives:
        metadata["ownerReferences"] = [reference(subject)]
    return {**child.manifest, "metadata": metadata}


def reference(subject: Record) -> Json:
    """The owner reference of what a subject controls."""
    return {
        "apiVersion": subject.key.resource.api_version,
        "kind": subject.key.resource.kind,
        "name": subject.key.name,
        "uid": subject.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _addressed(key: Key, manifest: Json, precondition: Json) -> Json:
    metadata = {**manifest["metadata"], "name": key.name, **precondition}
    if key.namespace:
        metadata["namespace"] = key.namespace
    return {**manifest, "apiVersion": key.resource.api_version, "kind": key.resource.kind, "metadata": metadata}
