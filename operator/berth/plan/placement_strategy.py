"""Placement strategies: spread as topology spread, binpack as attraction between tasks, in the order of the list.

Every rule is a preference, as in ECS. The scheduler adds preferences up, where ECS goes by one rule after another; so
several rules become weights of one kind (inter-pod affinity), each many times the next, and the first spread comes on
top of it as topology spread.
"""

from collections.abc import Sequence

from berth import names
from berth.adapters import Platform
from berth.api.placement import PlacementStrategy
from berth.plan.affinity import PREFERRED, beside, of_service
from berth.plan.node_affinity import Inexpressible
from berth.plan.node_attribute import ATTRIBUTE, HOSTNAME, is_of_ecs, node_attribute
from berth.plan.outcome import Blocked, Json
from berth.plan.place import unmapped

FIELD = "placementStrategy"
WEIGHTS = {1: (100,), 2: (100, 1), 3: (100, 10, 1), 4: (100, 20, 4, 1), 5: (100, 30, 10, 3, 1)}
ALL_NODES_ALIKE = "kubernetes.io/os"


def preferences(strategy: Sequence[PlacementStrategy], service: str, platform: Platform) -> Json | Blocked:
    """What goes into a pod's spec; nothing for the default, which the task's template has: even over zones."""
    if not strategy:
        return {}
    if strategy[0].type == "random":
        # Whatever comes after is never asked. Without a constraint of its own a pod is spread by the scheduler's.
        return {"topologySpreadConstraints": [_spread(ALL_NODES_ALIKE, service)]}
    rules = _before_random(strategy)
    keys: list[str | Inexpressible] = [_key(rule, platform) for rule in rules]
    for index, key in enumerate(keys):
        if isinstance(key, Inexpressible):
            return _blocked(f"{FIELD}[{index}].field", key)
    labels = [str(key) for key in keys]
    # The first spread; and where tasks are packed, what keeps the scheduler from spreading them by itself.
    made: Json = {"topologySpreadConstraints": [_spread(labels[0] or ALL_NODES_ALIKE, service)]}
    if len(rules) > 1 or not labels[0]:
        made["affinity"] = _weighted(labels, service)
    return made


def _before_random(strategy: Sequence[PlacementStrategy]) -> list[PlacementStrategy]:
    types = [rule.type for rule in strategy]
    return list(strategy[: types.index("random")] if "random" in types else strategy)


def _key(rule: PlacementStrategy, platform: Platform) -> str | Inexpressible:
    """The label over which tasks are even; empty for a rule that packs them."""
    if rule.type == "binpack":
        return ""
    field = rule.field or ""
    if field in {"instanceId", "host"}:
        return HOSTNAME
    name = field.removeprefix(ATTRIBUTE)
    found = node_attribute(name, platform)
    if found is not None:
        return found.label
    line = f"attributes: {{{name}: {{label: LABEL}}}}" if is_of_ecs(name) else ""
    return Inexpressible(f"no label of nodes is known for {field}" if line else f"{field} can be no label", line)


def _weighted(labels: list[str], service: str) -> Json:
    apart: list[Json] = []
    together: list[Json] = []
    for label, weight in zip(labels, WEIGHTS[len(labels)], strict=True):
        if label:
            term = {**beside(of_service(service)), "topologyKey": label}
            apart.append({"weight": weight, "podAffinityTerm": term})
        else:
            every_task = [{"key": names.MANAGED_BY, "operator": "In", "values": [names.FIELD_MANAGER]}]
            together.append({"weight": weight, "podAffinityTerm": beside(every_task)})
    made: Json = {}
    if together:
        made["podAffinity"] = {PREFERRED: together}
    if apart:
        made["podAntiAffinity"] = {PREFERRED: apart}
    return made


def _spread(label: str, service: str) -> Json:
    return {
        "topologyKey": label,
        "whenUnsatisfiable": "ScheduleAnyway",
        "maxSkew": 1,
        "labelSelector": {"matchLabels": {names.SERVICE: service}},
    }


def _blocked(field: str, why: Inexpressible) -> Blocked:
    if why.line:
        return unmapped(field, str(why), why.line)
    return Blocked("PlacementStrategyRefused", f"{field}: {why}", stalled=True)
