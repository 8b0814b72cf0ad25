"""Affinities of pods put together: what a task definition, a Service and a capacity provider each ask of a node."""

from typing import Any

from berth import names
from berth.plan.node_affinity import NOWHERE, Terms, as_affinity, both
from berth.plan.node_attribute import HOSTNAME
from berth.plan.outcome import Json

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def combined(first: Json, second: Json) -> Json:
    """What fulfils both. Raises Inexpressible when the terms become too many."""
    made: Json = {}
    for part in ("nodeAffinity", "podAffinity", "podAntiAffinity"):
        one, other = first.get(part, {}), second.get(part, {})
        merged: Json = {}
        if part == "nodeAffinity":
            merged = as_affinity(both(_terms(one), _terms(other))).get(part, {}) if _asks(one) or _asks(other) else {}
        elif required := [*one.get(REQUIRED, []), *_new(other.get(REQUIRED, []), one.get(REQUIRED, []))]:
            merged[REQUIRED] = required
        if preferred := [*one.get(PREFERRED, []), *other.get(PREFERRED, [])]:
            merged[PREFERRED] = preferred
        if merged:
            made[part] = merged
    return made


def with_affinity(pod: Json, affinity: Json) -> Json:
    """A pod's spec with this affinity on top of its own."""
    made = combined(pod.get("affinity", {}), affinity)
    return {**pod, "affinity": made} if made else pod


def beside(requirements: list[Json]) -> Json:
    """A term of pod affinity: the nodes on which a task with these labels runs."""
    return {"labelSelector": {"matchExpressions": requirements}, "topologyKey": HOSTNAME}


def of_service(service: str) -> list[Json]:
    """The labels of a Service's tasks, on all its providers and of all its revisions."""
    return [{"key": names.SERVICE, "operator": "In", "values": [service]}]


def _asks(node: Json) -> bool:
    return REQUIRED in node


def _terms(node: Json) -> Terms:
    selector: Any = node.get(REQUIRED)
    if selector is None:
        return ((),)
    return tuple(tuple(term["matchExpressions"]) for term in selector["nodeSelectorTerms"]) or NOWHERE


def _new(found: list[Json], known: list[Json]) -> list[Json]:
    return [one for one in found if one not in known]
