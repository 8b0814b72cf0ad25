"""A cluster's objects in memory: what plans look up, found by name, by group and by owner."""

from collections.abc import Iterator

from berth.engine.controller import Table
from berth.plan.outcome import Json
from berth.resources import Resource

Key = tuple[Resource, str, str]


class Objects:
    """Objects by kind, namespace and name, kept as the table's `keep` leaves them."""

    def __init__(self, table: Table) -> None:
        self._watches = {watch.resource: watch for watch in table.watches}
        self._whole: dict[Key, Json] = {}
        self._kept: dict[Key, Json] = {}
        self._groups: dict[Key, dict[str, None]] = {}
        self._owned: dict[str, dict[Key, None]] = {}

    def put(self, resource: Resource, body: Json) -> bool:
        """True when this changes anything."""
        key = (resource, str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"]))
        if self._whole.get(key) == body:
            return False
        watch = self._watches[resource]
        before = self._whole.get(key)
        self._whole[key] = body
        self._kept[key] = watch.keep(body)
        if watch.groups is not None:
            for group in watch.groups(before) if before is not None else ():
                self._groups[resource, key[1], group].pop(key[2], None)
            for group in watch.groups(body):
                self._groups.setdefault((resource, key[1], group), {})[key[2]] = None
        for owner in body["metadata"].get("ownerReferences", ()):
            self._owned.setdefault(str(owner["uid"]), {})[key] = None
        return True

    def kept(self, key: Key) -> Json:
        return self._kept[key]

    def whole(self, key: Key) -> Json:
        return self._whole[key]

    def keys(self, resource: Resource) -> list[Key]:
        return [key for key in self._whole if key[0] == resource]

    def one(self, resource: Resource, name: str, namespace: str = "") -> Json | None:
        return self._kept.get((resource, namespace, name))

    def group(self, resource: Resource, value: str, namespace: str = "") -> tuple[Json, ...]:
        names = sorted(self._groups.get((resource, namespace, value), ()))
        return tuple(self._kept[resource, namespace, name] for name in names)

    def groups(self, resource: Resource, namespace: str = "") -> tuple[str, ...]:
        return tuple(sorted(value for kind, where, value in self._groups if (kind, where) == (resource, namespace)))

    def every(self, resource: Resource) -> tuple[Json, ...]:
        return tuple(self._kept[key] for key in sorted(self.keys(resource)))

    def owned(self, uid: str) -> dict[Resource, tuple[Json, ...]]:
        """What a subject controls, by kind, ordered by name."""
        keys = sorted(self._owned.get(uid, ()))
        kinds = dict.fromkeys(key[0] for key in keys)
        return {kind: tuple(self._kept[key] for key in keys if key[0] == kind) for kind in kinds}

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._whole))
