"""What a run ended in, and what must never happen on the way: the evidence that oracles compare."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from berth.controllers import TABLE
from berth.engine.controller import Table
from berth.names import FIELD_MANAGER
from berth.plan.outcome import Json
from berth.resources import AUTOSCALER, DEPLOYMENT, EVENT, LEASE, NODE, POD, SERVICE, Resource
from faults.server import Event, Live, Server
from faults.values import is_list, is_map
from faults.writes import NAMESPACE

_UNCOUNTED = {EVENT, LEASE, NODE, NAMESPACE, POD}
_UID = re.compile(rb"uid-\d+")
_VOLATILE = ("uid", "resourceVersion", "generation", "creationTimestamp")


@dataclass
class Evidence:
    """All that one run left behind."""

    state: dict[str, Json] = field(default_factory=dict[str, Json])
    """Every object at the end, without what differs from one run to the next by nature."""
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Creations and deletions of each object, and replacements of running pods."""
    faults: list[str] = field(default_factory=list[str])
    """What must not be in any run."""
    writes: list[str] = field(default_factory=list[str])
    step_writes: list[list[str]] = field(default_factory=list[list[str]])
    kinds: frozenset[Resource] = frozenset()
    """Those of which there was ever an object."""
    deliveries: int = 0
    seconds: float = 0.0
    """Virtual time until the last step had taken effect."""


def differences(reference: Evidence, found: Evidence, mask: frozenset[str] = frozenset()) -> list[str]:
    """What is otherwise than in the run without faults."""
    said = list(found.faults)
    for name in sorted((reference.counts.keys() | found.counts.keys()) - mask):
        right, count = reference.counts.get(name, 0), found.counts.get(name, 0)
        said += [f"{name}: {count} times instead of {right}"] if count != right else []
    before, after = flat(reference.state), flat(found.state)
    for path in sorted((before.keys() | after.keys()) - mask):
        one, other = before.get(path), after.get(path)
        said += [f"{path}: {_short(other)} instead of {_short(one)}"] if one != other else []
    return said


def masked(one: Evidence, other: Evidence) -> frozenset[str]:
    """What differs between two runs without faults: it is no evidence."""
    first, second = flat(one.state), flat(other.state)
    paths = {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}
    names = {name for name in one.counts.keys() | other.counts.keys() if one.counts.get(name) != other.counts.get(name)}
    return frozenset(paths | names)


def flat(value: Any) -> dict[str, Any]:
    """Each value by its path."""
    found: dict[str, Any] = {}
    _flatten(found, value, "")
    return found


def _flatten(found: dict[str, Any], value: Any, path: str) -> None:
    if is_map(value) and value:
        for name, inner in value.items():
            _flatten(found, inner, f"{path}.{name}" if path else str(name))
    elif is_list(value) and value:
        for index, inner in enumerate(value):
            _flatten(found, inner, f"{path}[{index}]")
    else:
        found[path] = value


def state_of(server: Server) -> dict[str, Json]:
    names = {live.uid: str(key) for key, live in server.objects.items()}
    found: dict[str, Json] = {}
    for key in sorted(server.objects):
        if key.resource not in _UNCOUNTED:
            found[str(key)] = _normal(server.objects[key], names)
    return found


def counts_of(server: Server, rollouts: Counter[str]) -> dict[str, int]:
    counted = Counter(
        f"{'create' if event.type == 'ADDED' else 'delete'} {event.key}"
        for event in server.log
        if event.type != "MODIFIED" and event.key.resource not in _UNCOUNTED
    )
    counted.update({f"replace pods of {name}": count for name, count in rollouts.items()})
    return dict(counted)


def _normal(live: Live, names: dict[str, str]) -> Json:
    body = live.shown()
    metadata = body["metadata"]
    generation = metadata.get("generation")
    metadata["managedFields"] = {
        f"{one['manager']} {one['operation']} {one.get('subresource', '')}": one["fieldsV1"]
        for one in metadata["managedFields"]
        if one["operation"] == "Apply"
    }
    for name in _VOLATILE:
        metadata.pop(name, None)
    if "deletionTimestamp" in metadata:
        metadata["deletionTimestamp"] = "set"
    status: Json = body.get("status") or {}
    for one in [status, *status.get("conditions", [])]:
        one.pop("lastTransitionTime", None)
        if "observedGeneration" in one and generation is not None:
            one["observedGeneration"] = f"behind by {generation - one['observedGeneration']}"
    for one in status.get("deployments", []):
        for when in ("createdAt", "updatedAt", "finishedAt"):
            one.pop(when, None)
    text = _UID.sub(lambda match: names.get(match[0].decode(), "GONE").encode(), orjson.dumps(body))
    plain: Json = orjson.loads(text)
    return plain


class Monitor:
    """Looks at each write as it happens, for what no end state would show."""

    def __init__(self, server: Server, table: Table = TABLE, *, watches_ready: bool = True) -> None:
        self._server = server
        self._subjects = {row.resource for row in table.controllers}
        self._watches_ready = watches_ready
        self._generations: dict[str, int] = {}
        self.faults: list[str] = []
        server.listeners.append(self._saw)

    def _saw(self, event: Event) -> None:
        if not event.by.startswith("berth") or event.key.resource in {LEASE, EVENT}:
            return
        if event.before is not None and event.type == "MODIFIED" and event.key.resource in self._subjects:
            self._subject(event, event.before)
        elif event.key.resource == POD:
            self._marked(event)
        elif event.before is not None and not _is_ours(event.before):
            self.faults.append(f"{event.type} of {event.key}, which is somebody else's")
        elif event.before is not None and event.type == "MODIFIED" and _owner(event.before) != _owner(event.live):
            self.faults.append(f"{event.key} was taken from another owner")

    def _subject(self, event: Event, before: Live) -> None:
        if before.body.get("spec") != event.live.body.get("spec"):
            self.faults.append(f"the operator changed the spec of {event.key}")
        status: Json = event.live.body.get("status") or {}
        seen, generation = int(status.get("observedGeneration", -1)), int(event.live.body["metadata"]["generation"])
        if seen < self._generations.get(event.live.uid, -1):
            self.faults.append(f"the observedGeneration of {event.key} fell to {seen}")
        if seen > generation:
            self.faults.append(f"the observedGeneration of {event.key} is of a generation that does not exist")
        self._generations[event.live.uid] = seen
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
        if self._watches_ready and ready and seen == generation and event.key.resource == SERVICE:
            self._complete(event)

    def _marked(self, event: Event) -> None:
        """Pods are not ours: all that may be done to them is to say which go first."""
        before = event.before.body if event.before is not None else {}
        if event.type != "MODIFIED" or any(
            before.get(part) != event.live.body.get(part) for part in ("spec", "status")
        ):
            self.faults.append(f"{event.type} of {event.key}, which is somebody else's")

    def _complete(self, event: Event) -> None:
        """Ready for a generation means that its children are there: the counts, the autoscaler, the address."""
        spec, uid = event.live.body["spec"], event.live.uid
        replicas = [int(one.body["spec"]["replicas"]) for one in self._owned(DEPLOYMENT, uid)]
        if sum(replicas) != spec["desiredCount"]:
            self.faults.append(f"{event.key} is Ready for {spec['desiredCount']} tasks with {replicas}")
        autoscalers = len(self._owned(AUTOSCALER, uid))
        if autoscalers != (1 if spec.get("autoScaling") else 0):
            self.faults.append(f"{event.key} is Ready with {autoscalers} autoscalers")

    def _owned(self, resource: Resource, uid: str) -> list[Live]:
        return [live for live in self._server.of_kind(resource) if _owner(live) == uid]


def _is_ours(live: Live) -> bool:
    return any(name == FIELD_MANAGER and operation == "Apply" for name, operation, _ in live.managers)


def _owner(live: Live) -> str:
    return next(
        (str(one["uid"]) for one in live.body["metadata"].get("ownerReferences", []) if one.get("controller")), ""
    )


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) < 80 else f"{text[:77]}..."
