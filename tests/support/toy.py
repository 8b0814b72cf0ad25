"""A tiny table of its own for the engine's tests: a Thing owns a ConfigMap or two and a Deployment."""

from typing import Any

from berth.engine.controller import Controller, Table, Watch
from berth.plan.outcome import Child, Event, Json, Mark, Plan, Removal, Take
from berth.plan.world import World
from berth.resources import DEPLOYMENT, Resource

THING = Resource("example.dev", "v1", "Thing", "things")
PAGE = Resource("", "v1", "ConfigMap", "configmaps")
NOTE = Resource("other.dev", "v1", "Note", "notes")
"""Somebody else's, with our label."""
PALETTE = Resource("example.dev", "v1", "Palette", "palettes", namespaced=False)

_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def crd(resource: Resource) -> Json:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group,
            "names": {"kind": resource.kind, "plural": resource.plural},
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [
                {
                    "name": resource.version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "properties": {"spec": _ANYTHING, "status": _ANYTHING}}
                    },
                }
            ],
        },
    }


def plan(world: World) -> Plan:
    """A page for each of the spec's `pages`, a Deployment if asked for, and a colour from a palette if named."""
    spec = world.subject.get("spec", {})
    if spec.get("broken"):
        raise RuntimeError("this plan is broken on purpose")
    if spec.get("done"):
        return Plan(children=None, ends=True)
    colour: Any = None
    if name := spec.get("palette"):
        palette = world.one(PALETTE, name)
        if palette is None:
            return Plan(children=None, status={"colour": "", "message": f"palette {name} does not exist"})
        colour = palette["spec"]["colour"]
    children = [Child(PAGE, page, {"data": {"text": text}}) for page, text in spec.get("pages", {}).items()]
    if spec.get("replicas") is not None:
        children.append(Child(DEPLOYMENT, world.name, _deployment(world.name, spec["replicas"])))
    status: Json = {"pages": len(world.children(PAGE)), "notOwned": list(world.not_owned)}
    if colour is not None:
        status["colour"] = colour
    for kind in spec.get("counts", ()):
        status[kind] = len(world.lookup.every({"palettes": PALETTE, "notes": NOTE}[kind]))
    marks = [
        Mark(NOTE, note["metadata"]["name"], note["metadata"]["uid"], said)
        for note in world.group(NOTE, world.name)
        if (said := spec.get("marks", {}).get(note["metadata"]["name"])) is not None
    ]
    events = (Event("Normal", "Planned", "planned"),)
    notes = {note["metadata"]["name"]: note["metadata"]["uid"] for note in world.group(NOTE, world.name)}
    return Plan(
        children=tuple(children),
        status=status,
        events=events,
        marks=tuple(marks),
        takes=tuple(Take(NOTE, name, uid, ("bound",)) for name, uid in notes.items() if name in spec.get("takes", ())),
        removals=tuple(Removal(NOTE, name, uid) for name, uid in notes.items() if name in spec.get("removes", ())),
    )


def _deployment(name: str, replicas: int) -> Json:
    labels = {"thing": name}
    return {
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "example.invalid/none"}]},
            },
        }
    }


def keep(body: Json) -> Json:
    return {"spec": body.get("spec", {}), "status": body.get("status", {})}


def note_groups(body: Json) -> tuple[str, ...]:
    return (str(body["metadata"].get("labels", {}).get("thing", "")),)


def presence(_body: Json) -> Json:
    return {}


TABLE = Table(
    controllers=(
        Controller(THING, plan, owns=(PAGE, DEPLOYMENT), reads=(PALETTE,), marks=(NOTE,), takes=(NOTE,), ends=True),
    ),
    watches=(
        Watch(THING, keep),
        Watch(PALETTE, keep),
        Watch(NOTE, presence, groups=note_groups, ours=True, look_seconds=10.0),
        Watch(PAGE, presence, ours=True),
        Watch(DEPLOYMENT, presence, ours=True),
    ),
)
