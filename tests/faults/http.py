"""The API server's HTTP: paths to objects, lists in pages, bodies to answers."""

from typing import Any
from urllib.parse import unquote

import orjson

from berth.controllers import TABLE
from berth.engine.api import METADATA_LIST, Answer, Request
from berth.engine.key import Key
from berth.plan.outcome import Json
from berth.resources import EVENT, GROUP, LEASE, Resource
from faults.server import Live, Server
from faults.writes import NAMESPACE, Refusal, Writer

RESOURCES = (*(watch.resource for watch in TABLE.watches), EVENT, LEASE, NAMESPACE)
_BY_PATH = {(one.group, one.plural): one for one in RESOURCES}


class Http:
    """Serves requests as one user's."""

    def __init__(self, server: Server, user: str) -> None:
        self._server = server
        self._writer = Writer(server, user)

    def serve(self, request: Request, snapshot: int | None = None) -> Answer:
        """Answer at once. With a snapshot, lists show the world as it was at that revision."""
        try:
            return self._serve(request, snapshot)
        except Refusal as refused:
            return refused.answer

    def _serve(self, request: Request, snapshot: int | None) -> Answer:
        found = parsed(request.path)
        if isinstance(found, str):
            return _ok({"kind": "APIResourceList", "resources": [{"name": one.plural} for one in _group(found)]})
        resource, namespace, name, subresource = found
        key = Key(resource, namespace, name)
        if request.verb == "GET":
            if name:
                return Answer(200, self._writer.found(key).data)
            return _ok(self._list(resource, namespace, request, snapshot))
        body: Json = orjson.loads(request.body) if request.body else {}
        if request.verb == "DELETE":
            left = self._writer.delete(key, body)
            return Answer(200, left.data) if left else _ok({"kind": "Status", "apiVersion": "v1", "status": "Success"})
        return self._write(request, key, body, subresource)

    def _write(self, request: Request, key: Key, body: Json, subresource: str) -> Answer:
        manager = request.query.get("fieldManager", "unknown")
        existed = key in self._server.objects
        if request.verb == "POST":
            key = Key(key.resource, key.namespace, body["metadata"]["name"])
            live, existed = self._writer.create(key, body, manager), False
        elif request.verb == "PUT":
            live = self._writer.replace(key, body, manager)
        elif request.content_type.startswith("application/apply"):
            live = self._writer.apply(key, body, manager, force=request.query.get("force") == "true")
        else:
            live = self._writer.merge(key, body, manager, subresource)
        return Answer(200 if existed else 201, live.data)

    def _list(self, resource: Resource, namespace: str, request: Request, snapshot: int | None) -> Json:
        revision, start = self._server.revision if snapshot is None else snapshot, 0
        if token := request.query.get("continue"):
            revision, start = (int(part) for part in token.split(":"))
            if revision < self._server.compacted:
                raise Refusal(410, "Expired", "The provided continue parameter is too old")
        found = [live for live in self._server.at(resource, namespace, revision) if selected(live, request.query)]
        end = start + int(request.query.get("limit", len(found) + 1))
        metadata: Json = {"resourceVersion": str(revision)}
        if end < len(found):
            metadata |= {"continue": f"{revision}:{end}", "remainingItemCount": len(found) - end}
        alone = request.accept == METADATA_LIST
        items = [_metadata_alone(live.shown()) if alone else _item(live) for live in found[start:end]]
        kind = "PartialObjectMetadataList" if alone else f"{resource.kind}List"
        return {
            "kind": kind,
            "apiVersion": "meta.k8s.io/v1" if alone else resource.api_version,
            "metadata": metadata,
            "items": items,
        }


def parsed(path: str) -> tuple[Resource, str, str, str] | str:
    """Kind, namespace, name and subresource; or the group whose kinds are asked for."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    group = parts[1] if parts[0] == "apis" else ""
    rest = parts[3 if group else 2 :]
    if not rest:
        return group
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource = _BY_PATH.get((group, rest[0]))
    if resource is None:
        raise Refusal(404, "NotFound", "the server could not find the requested resource")
    name, subresource = [*rest[1:], "", ""][:2]
    return resource, namespace, name, subresource


def selected(live: Live, query: Any) -> bool:
    """Whether an object carries the label that a list asks for."""
    name, _, value = str(query.get("labelSelector", "")).partition("=")
    return not name or bool(live.body["metadata"].get("labels", {}).get(name) == value)


def _group(group: str) -> list[Resource]:
    return [one for one in RESOURCES if one.group == group]


def _item(live: Live) -> Json:
    """Built-in objects in lists do not say what they are."""
    body = live.shown()
    hidden: set[str] = set() if live.key.resource.group == GROUP else {"apiVersion", "kind"}
    return {name: value for name, value in body.items() if name not in hidden}


def _metadata_alone(body: Json) -> Json:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


def _ok(body: Json) -> Answer:
    return Answer(200, orjson.dumps(body))
