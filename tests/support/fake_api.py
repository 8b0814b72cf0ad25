"""A small API server in memory: what the engine asks of a real one, with faults on demand.

Server-side apply with managers, conflicts and preconditions, merge patches of the status, lists in pages, watch events
in order, garbage collection. Lists are atomic but owner references.
"""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import orjson

from berth.engine.api import Answer, Request
from berth.engine.errors import Unavailable
from berth.plan.outcome import Json
from berth.resources import Resource

Path = tuple[str, ...]
Watcher = Callable[[Resource, str, Json], None]
Fault = Callable[[Request], Answer | Exception | None]
"""Looks at a request before it is served (or after, as `Server.after`): an answer or an error replaces the server's."""

WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class Live:
    """One stored object and which manager owns which of its leaves."""

    resource: Resource
    body: Json
    managers: dict[str, set[Path]] = field(default_factory=dict[str, set[Path]])

    def shown(self) -> Json:
        body = copy.deepcopy(self.body)
        body["metadata"]["managedFields"] = [
            {"manager": name, "operation": "Apply", "fieldsV1": _tree(paths)} for name, paths in self.managers.items()
        ]
        return body


class Refusal(Exception):  # noqa: N818  # an answer, not a fault
    """An HTTP error."""

    def __init__(self, code: int, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.answer = refuse(code, message, cause)


def refuse(code: int, message: str = "on purpose", cause: str = "") -> Answer:
    status = {"kind": "Status", "code": code, "message": message, "details": {"causes": [{"reason": cause}]}}
    return Answer(code, orjson.dumps(status))


class Server:
    """The API server, and a transport to it."""

    def __init__(self, *resources: Resource) -> None:
        self._resources = {(one.group, one.plural): one for one in resources}
        self._objects: dict[tuple[Resource, str, str], Live] = {}
        self._revision = 100
        self._uids = 0
        self.watchers: list[Watcher] = []
        self.requests: list[Request] = []
        self.before: Fault | None = None
        self.after: Fault | None = None
        self.mutate: Callable[[Json], None] | None = None
        """A mutating webhook: changes what is applied, and takes what it changed from the applier."""
        self.latency = 0.001

    # What tests do.

    def put(self, resource: Resource, name: str, *, namespace: str = "default", **body: Any) -> Json:
        """A user writes an object, or writes it again."""
        key = (resource, namespace if resource.namespaced else "", name)
        live = self._objects.get(key)
        if live is None:
            return self._store(key, Live(resource, {"metadata": {"name": name}, **body}), "ADDED")
        live.body |= body
        for paths in live.managers.values():
            paths.difference_update({path for path in paths if path[0] in body})
        live.body["metadata"]["generation"] = live.body["metadata"].get("generation", 1) + 1
        return self._store(key, live, "MODIFIED")

    def edit(self, resource: Resource, name: str, path: Path, value: Any) -> None:
        """Somebody changes one field, and owns it from then on; None removes it."""
        live = self._objects[resource, "default" if resource.namespaced else "", name]
        inner: Any = live.body
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner.pop(path[-1], None)
        if value is not None:
            inner[path[-1]] = value
        for paths in live.managers.values():
            paths.discard(path)
        self._store((resource, "default" if resource.namespaced else "", name), live, "MODIFIED")

    def get(self, resource: Resource, name: str, namespace: str = "default") -> Json | None:
        live = self._objects.get((resource, namespace if resource.namespaced else "", name))
        return live.shown() if live else None

    def remove(self, resource: Resource, name: str, namespace: str = "default") -> None:
        """A user deletes an object; what it owns follows."""
        self._delete((resource, namespace if resource.namespaced else "", name))

    def names(self, resource: Resource) -> list[str]:
        return sorted(name for kind, _, name in self._objects if kind == resource)

    def writes(self) -> list[str]:
        """The writes so far, as "VERB path"."""
        return [f"{one.verb} {one.path}" for one in self.requests if one.verb in WRITES]

    # The transport.

    async def send(self, request: Request) -> Answer:
        self.requests.append(request)
        await asyncio.sleep(self.latency)
        answer = self._fault(self.before, request)
        if answer is None:
            try:
                answer = self._serve(request)
            except Refusal as refusal:
                answer = refusal.answer
            answer = self._fault(self.after, request) or answer
        return answer

    async def renew_login(self) -> None:
        return

    async def close(self) -> None:
        return

    def _fault(self, fault: Fault | None, request: Request) -> Answer | None:
        found = fault(request) if fault is not None else None
        if isinstance(found, Exception):
            raise found
        return found

    def _serve(self, request: Request) -> Answer:
        resource, namespace, name, sub = self._parse(request.path)
        body: Json = orjson.loads(request.body) if request.body else {}
        key = (resource, namespace, name)
        if request.verb == "GET":
            return _ok(self._found(key).shown() if name else self._list(resource, namespace, request))
        if request.verb == "DELETE":
            return self._serve_delete(key, body)
        if request.verb == "POST":
            key = (resource, namespace, body["metadata"]["name"])
            if key in self._objects:
                raise Refusal(409, "already exists")
            return _ok(self._store(key, Live(resource, body), "ADDED"), 201)
        if request.verb == "PUT" or request.content_type.startswith("application/merge"):
            return self._serve_replace(key, body, sub)
        return self._serve_apply(key, body, request)

    def _serve_apply(self, key: tuple[Resource, str, str], body: Json, request: Request) -> Answer:
        manager, force = request.query["fieldManager"], request.query["force"] == "true"
        metadata = body["metadata"]
        live = self._objects.get(key)
        wanted = {name: metadata.pop(name) for name in ("uid", "resourceVersion") if name in metadata}
        if live is None:
            if "uid" in wanted:
                raise Refusal(409, "uid mismatch")
            made = Live(key[0], body, {manager: _leaves(body)})
            self._admit(made)
            return _ok(self._store(key, made, "ADDED"), 201)
        if (
            wanted.get("resourceVersion", live.body["metadata"]["resourceVersion"])
            != live.body["metadata"]["resourceVersion"]
        ):
            raise Refusal(409, "the object has been modified")
        if wanted.get("uid", live.body["metadata"]["uid"]) != live.body["metadata"]["uid"]:
            raise Refusal(422, "metadata.uid: field is immutable")
        before = copy.deepcopy(live)
        _apply(live, manager, body, force=force)
        self._admit(live)
        same = live.body == before.body and live.managers == before.managers
        return _ok(live.shown() if same else self._store(key, live, "MODIFIED"))

    def _admit(self, live: Live) -> None:
        if self.mutate is not None:
            before = copy.deepcopy(live.body)
            self.mutate(live.body)
            for paths in live.managers.values():
                paths.difference_update({path for path in paths if _at(before, path) != _at(live.body, path)})

    def _serve_replace(self, key: tuple[Resource, str, str], body: Json, sub: str) -> Answer:
        live = self._found(key)
        for name in ("uid", "resourceVersion"):
            if body["metadata"].get(name, live.body["metadata"][name]) != live.body["metadata"][name]:
                raise Refusal(409, "the object has been modified")
        before = copy.deepcopy(live.body)
        if sub:
            live.body["status"] = _merged(live.body.get("status", {}), body["status"])
        elif "spec" in body:
            live.body["spec"] = body["spec"]
        else:
            live.body = _merged(live.body, body)
        return _ok(live.shown() if before == live.body else self._store(key, live, "MODIFIED"))

    def _serve_delete(self, key: tuple[Resource, str, str], options: Json) -> Answer:
        live = self._found(key)
        for name, value in options.get("preconditions", {}).items():
            if live.body["metadata"][name] != value:
                raise Refusal(409, f"precondition on {name} failed")
        self._delete(key)
        return _ok({"kind": "Status", "status": "Success"})

    def _list(self, resource: Resource, namespace: str, request: Request) -> Json:
        found = [
            live.shown()
            for (kind, place, _), live in sorted(self._objects.items(), key=lambda item: item[0][1:])
            if kind == resource and namespace in {"", place} and _selected(live, request.query.get("labelSelector"))
        ]
        start = int(request.query.get("continue", 0))
        end = start + int(request.query.get("limit", 500))
        metadata = {"resourceVersion": str(self._revision), **({"continue": str(end)} if end < len(found) else {})}
        return {"metadata": metadata, "items": found[start:end]}

    def _store(self, key: tuple[Resource, str, str], live: Live, event: str) -> Json:
        resource, namespace, name = key
        self._revision += 1
        metadata = live.body.setdefault("metadata", {})
        if event == "ADDED":
            self._uids += 1
            metadata |= {"name": name, "uid": f"uid-{self._uids}", "generation": metadata.get("generation", 1)}
            metadata |= {"namespace": namespace} if namespace else {}
        metadata["resourceVersion"] = str(self._revision)
        self._objects[key] = live
        self._tell(resource, event, live.shown())
        return live.shown()

    def _delete(self, key: tuple[Resource, str, str]) -> None:
        live = self._objects.pop(key)
        self._revision += 1
        shown = live.shown()
        shown["metadata"]["resourceVersion"] = str(self._revision)
        self._tell(key[0], "DELETED", shown)
        for child, other in list(self._objects.items()):
            references = other.body["metadata"].get("ownerReferences", [])
            if any(reference["uid"] == live.body["metadata"]["uid"] for reference in references):
                self._delete(child)

    def _tell(self, resource: Resource, event: str, body: Json) -> None:
        for watcher in self.watchers:
            asyncio.get_running_loop().call_later(self.latency, watcher, resource, event, body)

    def _found(self, key: tuple[Resource, str, str]) -> Live:
        if key not in self._objects:
            raise Refusal(404, "not found")
        return self._objects[key]

    def _parse(self, path: str) -> tuple[Resource, str, str, str]:
        parts = path.strip("/").split("/")
        group = parts[1] if parts[0] == "apis" else ""
        rest = parts[3 if group else 2 :]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        resource = self._resources.get((group, rest[0]))
        if resource is None:
            raise Refusal(404, "no such kind")
        name, sub = [*rest[1:], "", ""][:2]
        return resource, namespace, name, sub


def lost(_request: Request) -> Exception:
    """The reply never came."""
    return Unavailable("connection reset")


def is_map(value: Any) -> TypeGuard[Json]:
    return isinstance(value, dict)


def _ok(body: Json, code: int = 200) -> Answer:
    return Answer(code, orjson.dumps(body))


def _selected(live: Live, selector: str | None) -> bool:
    if not selector:
        return True
    name, _, value = selector.partition("=")
    return bool(live.body["metadata"].get("labels", {}).get(name) == value)


def _leaves(value: Json, path: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for name, inner in value.items():
        step = (*path, name)
        if step in {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}:
            continue
        found |= _leaves(inner, step) if is_map(inner) and inner else {step}
    return found


def _at(body: Json, path: Path) -> Any:
    inner: Any = body
    for step in path:
        inner = inner.get(step) if is_map(inner) else None
    return inner


def _apply(live: Live, manager: str, body: Json, *, force: bool) -> None:
    wanted = _leaves(body)
    for path in wanted:
        differs = _at(live.body, path) != _at(body, path)
        others = [paths for name, paths in live.managers.items() if name != manager and path in paths]
        if differs and not force and (others or _at(live.body, path) is not None):
            raise Refusal(409, f"conflict with another manager on {'.'.join(path)}")
        for paths in others if differs else ():
            paths.discard(path)
    for path in live.managers.get(manager, set()) - wanted:
        _drop(live.body, path)
    live.managers[manager] = wanted
    live.body = _merged(live.body, body)


def _drop(body: Json, path: Path) -> None:
    inner: Json | None = _at(body, path[:-1])
    if inner is not None:
        inner.pop(path[-1], None)


def _merged(before: Json, patch: Json) -> Json:
    found = dict(before)
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif is_map(value) and is_map(found.get(name)):
            found[name] = _merged(found[name], value)
        else:
            found[name] = value
    return found


def _tree(paths: set[Path]) -> Json:
    tree: Json = {}
    for path in paths:
        inner = tree
        for step in path:
            inner = inner.setdefault(f"f:{step}", {})
    return tree
