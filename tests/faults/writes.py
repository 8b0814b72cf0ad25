"""What the API server does with writes: server-side apply, merge patches, creation, replacement and deletion."""

from dataclasses import dataclass
from typing import cast

import orjson

from berth.engine.api import Answer
from berth.engine.key import Key
from berth.plan.outcome import Json
from berth.resources import Resource
from faults import fields
from faults.server import Live, Manager, Managers, Server, moment
from faults.shapes import defaulted, has_status, shape_of

NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_POLICIES = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


class Refusal(Exception):  # noqa: N818  # an answer, not a fault
    """An HTTP error."""

    def __init__(self, code: int, reason: str, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.answer = refusal(code, reason, message, cause)


def refusal(code: int, reason: str, message: str, cause: str = "") -> Answer:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": {"causes": [{"reason": cause}] if cause else []},
    }
    return Answer(code, orjson.dumps(status))


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes in somebody's name."""

    server: Server
    by: str

    def apply(self, key: Key, body: Json, manager: str, *, force: bool) -> Live:
        """Server-side apply."""
        live = self.server.objects.get(key)
        metadata: Json = body.get("metadata") or {}
        _check_apply(key, live, metadata)
        shape = shape_of(key.resource)
        wish = _main_part(key.resource, fields.applied(body))
        who: Manager = (manager, "Apply", "")
        mine = fields.leaves(wish, shape)
        if live is None:
            self._may_create(key)
            head: Json = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {}}
            return self._store(key, *self._admitted(key, defaulted(key.resource, head | wish), {who: frozenset(mine)}))
        after = cast("Json", fields.merged(live.body, wish, shape))
        moved = fields.changed(live.leaves, fields.leaves(fields.applied(after), shape))
        managers = _taken(live.managers, who, moved, force=force)
        others = {path for name, paths in managers.items() if name != who for path in paths}
        mine_before = set(live.managers.get(who, frozenset()))
        after = fields.removed(after, mine_before - mine.keys(), others | mine.keys(), shape)
        managers |= {who: frozenset(mine)}
        return self._store(key, *self._admitted(key, defaulted(key.resource, after), managers))

    def merge(self, key: Key, patch: Json, manager: str, subresource: str = "") -> Live:
        """A JSON merge patch, of the object or of its status alone."""
        live = self.found(key)
        metadata: Json = patch.get("metadata") or {}
        # A status of a custom resource takes the object's own metadata, whatever uid the request names.
        _check_update(key, live, {**metadata, "uid": None} if subresource else metadata)
        if subresource:
            body = {**live.body, "status": fields.merge_patch(live.body.get("status"), patch.get("status") or {})}
        else:
            body = _main_part(key.resource, cast("Json", fields.merge_patch(live.body, patch)), live.body)
        return self.update(live, body, manager, subresource)

    def update(self, live: Live, body: Json, manager: str, subresource: str = "") -> Live:
        """Store a body; whoever owned what it changes owns it no longer."""
        shape = shape_of(live.key.resource)
        after = fields.leaves(fields.applied(body), shape)
        moved = fields.changed(live.leaves, after)
        who: Manager = (manager, "Update", subresource)
        managers = {name: frozenset(paths - moved) for name, paths in live.managers.items()}
        mine = managers.get(who, frozenset()) | (moved & after.keys())
        return self._store(live.key, body, {name: paths for name, paths in (managers | {who: mine}).items() if paths})

    def create(self, key: Key, body: Json, manager: str) -> Live:
        if key in self.server.objects:
            raise Refusal(409, "AlreadyExists", f'{key.resource} "{key.name}" already exists')
        self._may_create(key)
        body = _main_part(key.resource, body)
        who: Manager = (manager, "Update", "")
        owned = frozenset(fields.leaves(fields.applied(body), shape_of(key.resource)))
        return self._store(key, defaulted(key.resource, body), {who: owned})

    def replace(self, key: Key, body: Json, manager: str) -> Live:
        live = self.found(key)
        _check_update(key, live, body["metadata"])
        metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        return self.update(live, _main_part(key.resource, {**body, "metadata": metadata}, live.body), manager)

    def delete(self, key: Key, options: Json) -> Live | None:
        """Delete, or mark for deletion what has finalizers; answers what then still exists."""
        live = self.found(key)
        preconditions: Json = options.get("preconditions") or {}
        for name in ("uid", "resourceVersion"):
            if name in preconditions and preconditions[name] != live.body["metadata"][name]:
                raise _conflict(key, f"the {name} in the precondition ({preconditions[name]}) does not match")
        finalizer = _POLICIES.get(str(options.get("propagationPolicy")))
        finalizers = [*live.body["metadata"].get("finalizers", []), *([finalizer] if finalizer else [])]
        if not finalizers:
            self.server.remove(key, self.by)
            return None
        if "deletionTimestamp" in live.body["metadata"]:
            return live
        metadata = {**live.body["metadata"], "finalizers": finalizers, "deletionTimestamp": moment()}
        return self.server.commit(key, {**live.body, "metadata": metadata}, live.managers, self.by)

    def finish(self, live: Live, finalizer: str) -> None:
        """Take a finalizer off; the last one lets the object go."""
        left = [one for one in live.body["metadata"].get("finalizers", []) if one != finalizer]
        if "deletionTimestamp" in live.body["metadata"] and not left:
            self.server.remove(live.key, self.by)
        else:
            metadata = {**live.body["metadata"], "finalizers": left}
            self.server.commit(live.key, {**live.body, "metadata": metadata}, live.managers, self.by)

    def found(self, key: Key) -> Live:
        live = self.server.objects.get(key)
        if live is None:
            raise Refusal(404, "NotFound", f'{key.resource} "{key.name}" not found')
        return live

    def _store(self, key: Key, body: Json, managers: Managers) -> Live:
        metadata = body["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            return self.server.remove(key, self.by)
        return self.server.commit(key, body, managers, self.by)

    def _admitted(self, key: Key, body: Json, managers: Managers) -> tuple[Json, Managers]:
        """What a mutating webhook makes of it: the fields that it changed are the request's, but not applied."""
        if self.server.webhook is None or not self.by.startswith("berth"):
            return body, managers
        after: Json = orjson.loads(orjson.dumps(body))
        self.server.webhook(after)
        shape = shape_of(key.resource)
        found = fields.leaves(fields.applied(after), shape)
        moved = fields.changed(fields.leaves(fields.applied(body), shape), found)
        kept = {name: frozenset(paths - moved) for name, paths in managers.items()}
        who: Manager = ("berth", "Update", "")
        return after, kept | {who: kept.get(who, frozenset()) | (moved & found.keys())}

    def _may_create(self, key: Key) -> None:
        if not key.namespace:
            return
        place = self.server.objects.get(Key(NAMESPACE, "", key.namespace))
        if place is None:
            raise Refusal(404, "NotFound", f'namespaces "{key.namespace}" not found')
        if "deletionTimestamp" in place.body["metadata"]:
            message = f"namespace {key.namespace} is being terminated"
            raise Refusal(403, "Forbidden", message, "NamespaceTerminating")


def _check_apply(key: Key, live: Live | None, metadata: Json) -> None:
    """What an apply says about the version and the identity of what it applies to."""
    uid, version = metadata.get("uid"), metadata.get("resourceVersion")
    if live is None:
        if uid:
            raise _conflict(key, f"uid mismatch: the provided object specified uid {uid}, and none was found")
        return
    if version and version != live.version:
        raise _conflict(key, "the object has been modified; please apply your changes to the latest version")
    if uid and uid != live.uid:
        raise Refusal(422, "Invalid", f'{key.resource} "{key.name}" is invalid: metadata.uid: field is immutable')


def _check_update(key: Key, live: Live, metadata: Json) -> None:
    uid, version = metadata.get("uid"), metadata.get("resourceVersion")
    if uid and uid != live.uid:
        raise _conflict(key, f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live.uid}")
    if version and version != live.version:
        raise _conflict(key, "the object has been modified; please apply your changes to the latest version")


def _conflict(key: Key, message: str) -> Refusal:
    return Refusal(409, "Conflict", f'Operation cannot be fulfilled on {key.resource} "{key.name}": {message}')


def _taken(managers: Managers, who: Manager, moved: set[fields.Path], *, force: bool) -> Managers:
    """Who owns what after somebody applied; a conflict unless it is forced."""
    found: Managers = {}
    for name, paths in managers.items():
        lost = paths & moved if name != who else frozenset[fields.Path]()
        if lost and not force:
            one = ".".join(next(iter(sorted(lost))))
            raise Refusal(409, "Conflict", f'Apply failed with 1 conflict: conflict with "{name[0]}": {one}')
        if paths - lost:
            found[name] = paths - lost
    return found


def _main_part(resource: Resource, body: Json, live: Json | None = None) -> Json:
    """The object without its status, where status is a subresource; the stored one stays."""
    if not has_status(resource):
        return body
    rest = {name: value for name, value in body.items() if name != "status"}
    return {**rest, "status": live["status"]} if live is not None and "status" in live else rest
