"""What the cluster looks like, as far as plans read it: one compact record for each watched object."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from berth.engine.controller import Table, Watch
from berth.engine.fingerprint import NOT_APPLIED, live_print
from berth.engine.key import Key, key_of
from berth.engine.seal import sealed
from berth.plan.outcome import Json
from berth.resources import Resource

_log = logging.getLogger(__name__)

_TOMBSTONES = 4096
_NOISE = ("resourceVersion", "managedFields")


@dataclass(slots=True)
class Record:
    """One live object: what the engine needs of it, and as bytes what plans read."""

    key: Key
    uid: str
    version: int
    owner: str
    """The uid of the controller in its owner references."""
    deleting: bool
    fingerprint: bytes
    groups: tuple[str, ...]
    kept: bytes

    def body(self) -> Json:
        """The kept part, decoded anew for each caller."""
        decoded: Json = orjson.loads(self.kept)
        return decoded

    def same_as(self, other: "Record") -> bool:
        """Nothing that anybody here looks at differs."""
        return (
            self.kept == other.kept
            and self.fingerprint == other.fingerprint
            and self.owner == other.owner
            and self.deleting == other.deleting
            and self.uid == other.uid
        )


Listener = Callable[[Record | None, Record | None, Key | None], None]
"""Told of each change: the record before, the record after, and the key whose own write made the change."""


class Store:
    """All records, with the indexes that reconciling needs."""

    def __init__(self, table: Table) -> None:
        self._watches = {watch.resource: watch for watch in (*table.watches, *table.held, *table.polled)}
        self._listed = table.watches
        self._subjects = {row.resource for row in table.controllers}
        # Kinds that we apply carry a fingerprint, whether they are watched by our label or all of them.
        self._applied = {watch.resource for watch in table.watches if watch.ours}
        for row in table.controllers:
            self._applied.update(row.owns, row.makes)
        self._kinds: dict[Resource, dict[Key, Record]] = {resource: {} for resource in self._watches}
        self._owned: dict[str, dict[Key, Record]] = {}
        self._groups: dict[tuple[Resource, str, str], dict[Key, Record]] = {}
        self._subject_uids: dict[str, Key] = {}
        self._tombstones: OrderedDict[str, int] = OrderedDict()
        self.listener: Listener = _nobody

    def see(self, body: Json, resource: Resource, by: Key | None = None) -> bool:
        """Take in a live object. False when it is old news, or nothing that matters differs."""
        key, uid, version = key_of(resource, body), body["metadata"].get("uid", ""), version_of(body)
        known = self._kinds[resource].get(key)
        # Most events are echoes of our own writes: known before anything is worked out of them.
        if self._tombstones.get(uid, -1) > version or (known is not None and _is_old_news(uid, version, known)):
            return False
        record = self._record(body, self._watches[resource])
        if known is not None:
            if record.same_as(known):
                known.version = record.version
                return False
            self._unlink(known)
        self._link(record)
        self.listener(known, record, by)
        return True

    def forget(self, key: Key, uid: str, version: int, by: Key | None = None) -> bool:
        """An object is gone since that version; False when that is old news.

        What carries this very version may still come: the object lost our label with it, and lives.
        """
        known = self._kinds[key.resource].get(key)
        if known is not None and known.uid != uid and known.version > version:
            return False
        self._tombstones[uid] = max(version, self._tombstones.get(uid, -1))
        if len(self._tombstones) > _TOMBSTONES:
            self._tombstones.popitem(last=False)
        if known is None or known.version > version:
            return False
        self._unlink(known)
        self.listener(known, None, by)
        return True

    def forget_body(self, body: Json, resource: Resource) -> bool:
        """An object is gone, as a watch's last word about it says."""
        metadata = body["metadata"]
        return self.forget(key_of(resource, body), metadata.get("uid", ""), version_of(body))

    def get(self, key: Key) -> Record | None:
        return self._kinds[key.resource].get(key)

    def of_kind(self, resource: Resource) -> Collection[Record]:
        return self._kinds[resource].values()

    def owned(self, uid: str) -> Collection[Record]:
        return self._owned.get(uid, {}).values()

    def in_group(self, resource: Resource, namespace: str, value: str) -> Collection[Record]:
        return self._groups.get((resource, namespace, value), {}).values()

    def groups(self, resource: Resource, namespace: str) -> tuple[str, ...]:
        """The values by which any object of a kind is found, in order."""
        records = self._kinds[resource].values()
        return tuple(sorted({group for one in records if one.key.namespace == namespace for group in one.groups}))

    def subject_with(self, uid: str) -> Key | None:
        """The reconciled object with that uid."""
        return self._subject_uids.get(uid)

    def knows(self, resource: Resource) -> bool:
        return resource in self._kinds

    def watches(self) -> Iterator[Watch]:
        """What the API server can be asked for again."""
        return iter(self._listed)

    def __len__(self) -> int:
        return sum(len(records) for records in self._kinds.values())

    def _record(self, body: Json, watch: Watch) -> Record:
        if watch.sealed:
            body = sealed(body)
        metadata = body["metadata"]
        kept = _kept(body, watch)
        return Record(
            key=key_of(watch.resource, body),
            uid=metadata.get("uid", ""),
            version=version_of(body),
            owner=controller_uid(body),
            deleting="deletionTimestamp" in metadata,
            fingerprint=live_print(body) if watch.resource in self._applied else NOT_APPLIED,
            groups=tuple(filter(None, watch.groups(body))) if watch.groups else (),
            # orjson leaves its results in buffers of 4 KB: what stays must be a copy that is as long as it is.
            kept=bytes(memoryview(orjson.dumps(kept))),
        )

    def _link(self, record: Record) -> None:
        self._kinds[record.key.resource][record.key] = record
        if record.owner:
            self._owned.setdefault(record.owner, {})[record.key] = record
        for group in _groups_of(record):
            self._groups.setdefault(group, {})[record.key] = record
        if record.key.resource in self._subjects:
            self._subject_uids[record.uid] = record.key

    def _unlink(self, record: Record) -> None:
        self._kinds[record.key.resource].pop(record.key, None)
        _drop(self._owned, record.owner, record.key)
        for group in _groups_of(record):
            _drop(self._groups, group, record.key)
        if self._subject_uids.get(record.uid) == record.key:
            del self._subject_uids[record.uid]


def _is_old_news(uid: str, version: int, known: Record) -> bool:
    """Seen already, or overtaken. An object without a version is always news."""
    if uid == known.uid:
        return 0 < version <= known.version
    return 0 < version < known.version


def controller_uid(body: Json) -> str:
    """The uid of the object that controls this one; empty when none does."""
    references: Iterable[Json] = body["metadata"].get("ownerReferences") or ()
    return next((str(reference.get("uid", "")) for reference in references if reference.get("controller")), "")


def version_of(body: Json) -> int:
    """The resource version as the number that it is; 0 for an object that does not say."""
    text = body["metadata"].get("resourceVersion") or "0"
    return int(text) if text.isdecimal() else 0


def _kept(body: Json, watch: Watch) -> Json:
    """What the table keeps of an object, and always what names it; never what changes with each write."""
    try:
        kept = watch.keep(body)
    except Exception:  # noqa: BLE001  # one odd object must not stop a watch
        _log.exception("cannot read %s %s; plans see its name alone", watch.resource, body["metadata"].get("name"))
        kept = {}
    metadata = body["metadata"]
    shown: Json = kept.get("metadata") or {}
    chosen = {key: value for key, value in shown.items() if key not in _NOISE}
    for key in ("name", "namespace", "uid", "generation"):
        if key in metadata:
            chosen[key] = metadata[key]
    return {**kept, "metadata": chosen}


def _groups_of(record: Record) -> Iterator[tuple[Resource, str, str]]:
    return ((record.key.resource, record.key.namespace, group) for group in record.groups)


def _drop(index: dict[Any, dict[Key, Record]], value: object, key: Key) -> None:
    entry = index.get(value)
    if entry is not None:
        entry.pop(key, None)
        if not entry:
            del index[value]


def _nobody(_before: Record | None, _after: Record | None, _by: Key | None) -> None:
    """Nobody listens yet."""
