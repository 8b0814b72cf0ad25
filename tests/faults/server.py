"""The API server's storage: objects, revisions, the log that watches read, and lists as they were at any revision."""

import asyncio
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from berth.engine.key import Key
from berth.plan.outcome import Json
from berth.resources import Resource
from faults.fields import Leaves, Path, applied, leaves, tree
from faults.shapes import counts_generations, shape_of
from support.virtual_time import START

Manager = tuple[str, str, str]
"""Name, operation (Apply or Update), subresource."""

Managers = dict[Manager, frozenset[Path]]


@dataclass(frozen=True)
class Live:
    """One version of an object. Bodies are never changed in place."""

    key: Key
    body: Json
    managers: Managers

    @property
    def uid(self) -> str:
        return str(self.body["metadata"]["uid"])

    @property
    def version(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])

    def shown(self) -> Json:
        """A private copy, with managedFields."""
        body: Json = orjson.loads(self.data)
        return body

    @functools.cached_property
    def data(self) -> bytes:
        """As JSON, with managedFields."""
        entries = [
            {
                "manager": name,
                "operation": operation,
                **({"subresource": subresource} if subresource else {}),
                "apiVersion": self.key.resource.api_version,
                "fieldsType": "FieldsV1",
                "fieldsV1": _tree(paths),
            }
            for (name, operation, subresource), paths in self.managers.items()
        ]
        return orjson.dumps({**self.body, "metadata": {**self.body["metadata"], "managedFields": entries}})

    @functools.cached_property
    def leaves(self) -> Leaves:
        """Every place in it that somebody may own."""
        return leaves(applied(self.body), shape_of(self.key.resource))


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log."""

    revision: int
    type: str
    key: Key
    live: Live
    before: Live | None
    by: str
    """Who wrote: the operator's name, or a user's or a controller's."""
    time: float


@dataclass
class Server:
    """All objects of the cluster."""

    revision: int = 1000
    compacted: int = 0
    """Continuations and watches from before this revision have expired."""
    step: int = 1
    """How far one write moves the revision: other things are written in a cluster, too."""
    objects: dict[Key, Live] = field(default_factory=dict[Key, Live])
    log: list[Event] = field(default_factory=list[Event])
    listeners: list[Callable[[Event], None]] = field(default_factory=list[Callable[[Event], None]])
    uids: int = 0
    webhook: Callable[[Json], None] | None = None
    """Changes what the operator applies, and takes the fields that it changed."""
    _news: dict[Resource | None, asyncio.Event] = field(default_factory=dict[Resource | None, asyncio.Event])

    def get(self, resource: Resource, name: str, namespace: str = "shop") -> Json | None:
        """One object as a user sees it."""
        live = self.objects.get(Key(resource, namespace if resource.namespaced else "", name))
        return live.body if live else None

    def of_kind(self, resource: Resource) -> Iterator[Live]:
        return (live for key, live in self.objects.items() if key.resource == resource)

    def commit(self, key: Key, body: Json, managers: Managers, by: str) -> Live:
        """Store a version of an object, unless it is what is there already."""
        before = self.objects.get(key)
        if before is not None and before.managers == managers and _same(before.body, body):
            return before
        self.revision += self.step
        metadata = {**body["metadata"], "resourceVersion": str(self.revision)}
        if before is None:
            self.uids += 1
            metadata |= {"uid": f"uid-{self.uids}", "name": key.name, "creationTimestamp": moment()}
            metadata |= {"namespace": key.namespace} if key.namespace else {}
        if counts_generations(key.resource):
            known = int(before.body["metadata"]["generation"]) if before is not None else 0
            same = before is not None and _wish(before.body) == _wish(body)
            metadata["generation"] = known if same else known + 1
        live = Live(key, {**body, "metadata": metadata}, managers)
        self.objects[key] = live
        self._tell("ADDED" if before is None else "MODIFIED", live, before, by)
        return live

    def remove(self, key: Key, by: str) -> Live:
        """Take an object away; its last version carries the revision of its end."""
        before = self.objects.pop(key)
        self.revision += self.step
        metadata = {**before.body["metadata"], "resourceVersion": str(self.revision)}
        live = Live(key, {**before.body, "metadata": metadata}, before.managers)
        self._tell("DELETED", live, before, by)
        return live

    def at(self, resource: Resource, namespace: str, revision: int) -> list[Live]:
        """The objects of a kind as they were at a revision, by namespace and name."""
        found: dict[Key, Live] = {}
        for event in self.log:
            if event.revision > revision:
                break
            if event.key.resource == resource and namespace in {"", event.key.namespace}:
                if event.type == "DELETED":
                    found.pop(event.key, None)
                else:
                    found[event.key] = event.live
        return [found[key] for key in sorted(found, key=lambda key: (key.namespace, key.name))]

    def since(self, resource: Resource, revision: int) -> list[Event]:
        """What happened to a kind after a revision."""
        found: list[Event] = []
        for event in reversed(self.log):
            if event.revision <= revision:
                break
            if event.key.resource == resource:
                found.append(event)
        return found[::-1]

    async def news(self, resource: Resource | None = None) -> None:
        """Wait for the next write, of one kind or of any."""
        pulse = self._news.get(resource)
        if pulse is None:
            pulse = self._news[resource] = asyncio.Event()
        await pulse.wait()

    def forget(self) -> None:
        """Compact after one more write, of something else: what was before it is known no more."""
        self.revision += self.step
        self.compacted = self.revision

    def wake(self) -> None:
        """Let everybody who waits for news look again."""
        for pulse in self._news.values():
            pulse.set()
        self._news.clear()

    def _tell(self, kind: str, live: Live, before: Live | None, by: str) -> None:
        event = Event(self.revision, kind, live.key, live, before, by, asyncio.get_running_loop().time())
        self.log.append(event)
        for listener in list(self.listeners):
            listener(event)
        for resource in (live.key.resource, None):
            pulse = self._news.pop(resource, None)
            if pulse is not None:
                pulse.set()


@functools.lru_cache(4096)
def _tree(paths: frozenset[Path]) -> Json:
    return tree(set(paths))


def moment() -> str:
    return (START + timedelta(seconds=asyncio.get_running_loop().time())).strftime("%Y-%m-%dT%H:%M:%SZ")


def _same(before: Json, after: Json) -> bool:
    ignored = ("resourceVersion", "generation")
    return {**before, "metadata": {k: v for k, v in before["metadata"].items() if k not in ignored}} == {
        **after,
        "metadata": {k: v for k, v in after["metadata"].items() if k not in ignored},
    }


def _wish(body: Json) -> Json:
    """What a generation counts: everything but metadata and status, and the wish to be gone."""
    rest = {name: value for name, value in body.items() if name not in {"metadata", "status"}}
    return {**rest, "deleting": "deletionTimestamp" in body["metadata"]}
