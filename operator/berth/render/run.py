"""Manifests -> what the operator would make of them, and why it would refuse, by asking every plan until none moves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from berth.api import KINDS
from berth.engine.controller import Controller, Table
from berth.importer.shapes import is_object
from berth.plan.outcome import Child, Json
from berth.plan.world import World
from berth.render.admission import admitted
from berth.render.objects import Key, Objects
from berth.resources import GROUP, Resource
from berth.settings import Settings

MOST_PASSES = 8
WAITING = frozenset({"InProgress", "RegistryTokenMissing"})
"""Reasons of what only a cluster brings: tasks on their way, tokens of registries."""


@dataclass
class Rendered:
    """What came of all manifests."""

    objects: list[Json] = field(default_factory=list[Json])
    """What the operator would create, in the order in which it would."""
    blocked: list[str] = field(default_factory=list[str])
    """Why it would refuse, one sentence each."""
    unread: list[str] = field(default_factory=list[str])
    """Objects of kinds that the operator never reads."""


@dataclass(frozen=True)
class Rules:
    """What does not come from the manifests."""

    table: Table
    settings: Settings
    now: datetime
    namespace: str = "default"
    """Where objects go that name none."""


def render(manifests: Iterable[Json], rules: Rules) -> Rendered:
    """Takes manifests in as the API server would, and asks plans until nothing changes."""
    result = Rendered()
    objects = Objects(rules.table)
    known = {f"{watch.resource.api_version}/{watch.resource.kind}": watch.resource for watch in rules.table.watches}
    for manifest in manifests:
        resource = known.get(f"{manifest.get('apiVersion')}/{manifest.get('kind')}")
        if resource is None:
            result.unread.append(f"{manifest.get('kind')}/{_name(manifest)}")
            continue
        body, faults = _taken(manifest, resource, rules.namespace)
        result.blocked += [f"{resource.kind}/{_name(manifest)}: {fault}" for fault in faults]
        if not faults:
            objects.put(resource, body)
    given = set(objects)
    made = _settled(objects, rules)
    result.objects = [objects.whole(key) for key in made if key not in given]
    result.blocked += [said for key in objects if (said := _blocked(objects, key))]
    result.objects = [_shown(body) for body in result.objects]
    return result


def _settled(objects: Objects, rules: Rules) -> dict[Key, None]:
    """Every object that plans made, in their order."""
    made: dict[Key, None] = {}
    for _ in range(MOST_PASSES):
        moved = False
        for row in rules.table.controllers:
            for key in objects.keys(row.resource):
                moved |= _planned(objects, rules, (row, key), made)
        if not moved:
            break
    return made


def _planned(objects: Objects, rules: Rules, subject: tuple[Controller, Key], made: dict[Key, None]) -> bool:
    row, key = subject
    body = objects.whole(key)
    world = World(
        subject=objects.kept(key),
        lookup=objects,
        now=rules.now,
        settings=rules.settings,
        owned=objects.owned(body["metadata"]["uid"]),
        absent=rules.table.absent,
    )
    plan = row.plan(world)
    if plan.ends:
        return False
    moved = False
    for child in plan.children or ():
        where = (child.resource, _namespace(child, key), child.name)
        if where not in made or not child.outlives:
            made[where] = None
            moved |= objects.put(child.resource, _child(child, key, body))
    if plan.status is not None and plan.status != body.get("status"):
        moved |= objects.put(row.resource, {**body, "status": plan.status})
    return moved


def _namespace(child: Child, owner: Key) -> str:
    return (owner[1] or child.namespace) if child.resource.namespaced else ""


def _child(child: Child, key: Key, owner: Json) -> Json:
    metadata: Json = {"name": child.name, **child.manifest.get("metadata", {})}
    if child.resource.namespaced:
        metadata["namespace"] = _namespace(child, key)
    if not child.outlives:
        metadata["ownerReferences"] = [{"uid": owner["metadata"]["uid"], "controller": True}]
    head = {"apiVersion": child.resource.api_version, "kind": child.resource.kind}
    return _identified({**head, **child.manifest, "metadata": metadata}, child.resource)


def _taken(manifest: Json, resource: Resource, namespace: str) -> tuple[Json, list[str]]:
    metadata: Json = dict(manifest["metadata"])
    if resource.namespaced:
        metadata.setdefault("namespace", namespace)
    body = _identified({**manifest, "metadata": metadata}, resource)
    kind = next((kind for kind in KINDS if kind.kind == resource.kind), None) if resource.group == GROUP else None
    return (body, []) if kind is None else admitted(body, kind)


def _identified(body: Json, resource: Resource) -> Json:
    """With what the API server gives every object."""
    metadata = body["metadata"]
    uid = f"{resource.kind}/{metadata.get('namespace', '')}/{metadata['name']}"
    return {**body, "metadata": {"uid": uid, "generation": 1, **metadata}}


def _shown(body: Json) -> Json:
    """Without what only a cluster knows."""
    hidden = {"uid", "generation", "ownerReferences"}
    metadata = {key: value for key, value in body["metadata"].items() if key not in hidden}
    rest = {key: value for key, value in body.items() if key not in {"metadata", "status", "apiVersion", "kind"}}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata, **rest}


def _blocked(objects: Objects, key: Key) -> str:
    """The condition of an object that would not run."""
    conditions: list[dict[str, Any]] = objects.whole(key).get("status", {}).get("conditions") or []
    found = next((one for one in conditions if one.get("type") == "Ready" and one.get("status") != "True"), None)
    if found is None or key[0].group != GROUP or found.get("reason") in WAITING:
        return ""
    return f"{key[0].kind}/{key[2]}: {found.get('reason')}: {found.get('message')}"


def _name(manifest: Json) -> str:
    metadata = manifest.get("metadata")
    return str(metadata.get("name", "?")) if is_object(metadata) else "?"
