"""Zones: where a node is, and in which zones a Service's tasks can start on each of its providers."""

from collections.abc import Iterable

from berth.plan.node_attribute import ZONE
from berth.plan.outcome import Json
from berth.plan.preset import Pool, takes_tasks
from berth.plan.world import World
from berth.resources import CAPACITY_PROVIDER, NODE

PREFIX = "zone/"
"""No other group of nodes begins so."""
_ANY_NODE = Pool({}, (), (), None)


def zone_of(node: Json | None) -> str:
    """Its zone; empty for a node that says none, or that is gone."""
    labels: Json = (node["metadata"].get("labels") if node else None) or {}
    return str(labels.get(ZONE, ""))


def group_of(node: Json) -> tuple[str, ...]:
    """Nodes on which any task can start are found by their zone."""
    zone = zone_of(node)
    spec: Json = node.get("spec", {})
    taints: list[Json] = spec.get("taints") or []
    body: Json = {**node, "spec": {**spec, "taints": taints}, "status": node.get("status", {})}
    return (f"{PREFIX}{zone}",) if zone and takes_tasks(body, _ANY_NODE) else ()


def zones_by_node(world: World, nodes: Iterable[str]) -> dict[str, str]:
    return {name: zone_of(world.one(NODE, name)) for name in set(nodes) if name}


def zones_for(world: World, provider: str) -> frozenset[str]:
    """The zones in which a provider has nodes for tasks.

    A provider's are told in its status, which is looked at once in a while; of tasks that run on any node the answer
    changes only with the first node of a zone and with its last.
    """
    if not provider:
        found = world.groups(NODE)
        return frozenset(one.removeprefix(PREFIX) for one in found if one.startswith(PREFIX))
    status: Json = (world.one(CAPACITY_PROVIDER, provider) or {}).get("status") or {}
    return frozenset(status.get("zones") or ())
