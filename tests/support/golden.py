"""A golden case: a whole world in YAML, and the plan that follows from it."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from berth.controllers import TABLE
from berth.engine.controller import Controller
from berth.engine.seal import unsealed
from berth.plan.keep import METADATA
from berth.plan.outcome import Child, Json, Plan
from berth.plan.world import World
from berth.resources import Resource
from berth.settings import Settings

CASES = Path(__file__).parent.parent / "plan" / "cases"
TOKENS: defaultdict[str, str] = defaultdict(lambda: b64encode(b"AWS:a-token").decode())
"""What the engine would put into sealed objects."""
NOW = "2026-01-02T03:04:05Z"
API = {
    watch.resource.api_version + "/" + watch.resource.kind: watch.resource
    for watch in (*TABLE.watches, *TABLE.held, *TABLE.polled)
}


@dataclass(frozen=True)
class Objects:
    """A cluster's objects as a list: the lookup of golden worlds."""

    objects: list[Json]

    def one(self, resource: Resource, name: str, namespace: str = "") -> Json | None:
        found = (one for one in self._of(resource, namespace) if one["metadata"]["name"] == name)
        return next((_kept(one) for one in found), None)

    def group(self, resource: Resource, value: str, namespace: str = "") -> tuple[Json, ...]:
        groups = TABLE.watch(resource).groups
        assert groups is not None
        return tuple(_kept(one) for one in self._of(resource, namespace) if value in groups(one))

    def groups(self, resource: Resource, namespace: str = "") -> tuple[str, ...]:
        groups = TABLE.watch(resource).groups
        assert groups is not None
        return tuple(sorted({value for one in self._of(resource, namespace) for value in groups(one)}))

    def every(self, resource: Resource) -> tuple[Json, ...]:
        return tuple(_kept(one) for one in self.objects if resource_of(one) == resource)

    def owned(self, uid: str) -> dict[Resource, tuple[Json, ...]]:
        mine = [one for one in self.objects if any(o["uid"] == uid for o in _owners(one))]
        kinds = {resource_of(one) for one in mine}
        return {kind: tuple(_kept(one) for one in mine if resource_of(one) == kind) for kind in kinds}

    def _of(self, resource: Resource, namespace: str | None) -> Iterator[Json]:
        for one in sorted(self.objects, key=lambda one: str(one["metadata"]["name"])):
            if resource_of(one) == resource and namespace in {None, one["metadata"].get("namespace", "")}:
                yield one


def resource_of(body: Json) -> Resource:
    return API[f"{body['apiVersion']}/{body['kind']}"]


def cases() -> list[Path]:
    return sorted(path.parent for path in CASES.glob("*/*/input.yaml"))


def case_id(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def load(case: Path) -> Json:
    return dict(yaml.safe_load((case / "input.yaml").read_text()))


def world_of(given: Json) -> tuple[Controller, World]:
    """The world of a case, and the row of the table that plans for its subject."""
    subject = _complete(given["subject"])
    objects = Objects([subject, *(_complete(one, subject) for one in given.get("objects", []))])
    controller = TABLE.controller(resource_of(subject))
    assert controller is not None, f"nothing plans for {subject['kind']}"
    world = World(
        subject=_kept(subject),
        lookup=objects,
        now=datetime.strptime(given.get("now", NOW), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        settings=Settings.model_validate(given.get("settings", {})),
        absent=frozenset(watch.resource for watch in TABLE.watches if watch.resource.kind in given.get("absent", [])),
        owned=objects.owned(subject["metadata"]["uid"]),
        not_owned=tuple(given.get("notOwned", [])),
    )
    return controller, world


def shown(world: World, plan: Plan) -> Json:
    """A plan as a user would read it."""
    children = None if plan.children is None else [manifest(child, world.namespace) for child in plan.children]
    made: Json = {"children": children, "status": plan.status}
    if plan.events:
        made["events"] = [f"{event.type} {event.reason}: {event.message}" for event in plan.events]
    if plan.marks:
        made["marks"] = [f"{mark.resource.kind}/{mark.name}: {mark.annotations or 'none'}" for mark in plan.marks]
    for name, listed in (("takes", plan.takes), ("removals", plan.removals)):
        if listed:
            made[name] = [f"{one.resource.kind}/{one.name}" for one in listed]
    if plan.again is not None:
        made["again"] = plan.again.total_seconds()
    if plan.ends:
        made["ends"] = True
    return made


def manifest(child: Child, namespace: str) -> Json:
    where = {"namespace": namespace or child.namespace} if child.resource.namespaced else {}
    metadata = {"name": child.name, **where, **child.manifest["metadata"]}
    head = {"apiVersion": child.resource.api_version, "kind": child.resource.kind}
    return unsealed({**head, **child.manifest, "metadata": metadata}, child.seal, TOKENS)


def _complete(body: Json, subject: Json | None = None) -> Json:
    """Cases say what matters: namespace, uid and generation are filled in, `owned: true` becomes an owner reference."""
    resource = resource_of(body)
    metadata: dict[str, Any] = {"uid": f"uid-of-{body['metadata']['name']}", "generation": 1, **body["metadata"]}
    if resource.namespaced:
        metadata.setdefault("namespace", "shop")
    if subject is not None and metadata.pop("owned", False):
        metadata["ownerReferences"] = [{"uid": subject["metadata"]["uid"], "controller": True}]
    return {**body, "metadata": metadata}


def _owners(body: Json) -> list[Json]:
    return list(body["metadata"].get("ownerReferences", []))


def _kept(body: Json) -> Json:
    """What the store keeps: the table's choice, and always what names an object."""
    kept = TABLE.watch(resource_of(body)).keep(body)
    named = {key: body["metadata"][key] for key in METADATA if key in body["metadata"]}
    return {**kept, "metadata": {**kept.get("metadata", {}), **named}}
