"""Karpenter's NodePool: what a CapacityProvider with managed scaling makes of itself, and when it has served its time.

Deleting a NodePool ends its nodes and all that runs there. So it outlives its provider, is frozen when managed scaling
is turned off, and a plan of its own ends it once no task needs it (ADR 58).
"""

from pydantic import ValidationError

from berth import names
from berth.api.capacity_provider import CapacityProviderSpec
from berth.api.managed_scaling import CAPACITY_TYPE, Karpenter, Requirement, is_managed
from berth.plan.outcome import Child, Json, Plan
from berth.plan.provider_load import load_of, uses
from berth.plan.world import World
from berth.resources import CAPACITY_PROVIDER, NODE_POOL

NO_MORE: Json = {"cpu": "0"}
"""Limits under which no node is added; those that are there stay."""


def node_pool(name: str, provider: CapacityProviderSpec, karpenter: Karpenter) -> Child:
    """The pool of a provider: nodes with its label and its taint, of its capacity, and of nothing else."""
    managed = is_managed(provider.managed_scaling)
    spec: Json = {"template": _template(name, provider, karpenter), "disruption": _disruption(karpenter)}
    if not managed:
        # Each node stays until the last task on it is gone.
        spec["disruption"] = {
            "consolidationPolicy": "WhenEmpty",
            "consolidateAfter": "0s",
            "budgets": [{"nodes": "100%"}],
        }
    if limits := dict(karpenter.limits) if managed else NO_MORE:
        spec["limits"] = limits
    if karpenter.weight is not None:
        spec["weight"] = karpenter.weight
    return Child(
        NODE_POOL, name, {"metadata": {"labels": {names.CAPACITY_PROVIDER: name}}, "spec": spec}, outlives=True
    )


def plan(world: World) -> Plan:
    """A pool that its provider asks for no more goes with the last task that may run on it."""
    return Plan(children=None, ends=not _asked_for(world) and has_served(world))


def has_served(world: World) -> bool:
    """Whether a pool that nobody asks for has nothing left to do: its own count of nodes is seconds old."""
    return not uses(load_of(world, world.name))


def _asked_for(world: World) -> bool:
    found = world.one(CAPACITY_PROVIDER, world.name)
    if found is None:
        return False
    try:
        spec = CapacityProviderSpec.model_validate(found["spec"])
    except ValidationError:
        return True  # nothing is taken away because of a mistake
    managed = spec.managed_scaling
    return is_managed(managed) and managed is not None and managed.karpenter is not None


def _template(name: str, provider: CapacityProviderSpec, karpenter: Karpenter) -> Json:
    taint = {"key": names.CAPACITY_PROVIDER, "value": name, "effect": "NoSchedule"}
    spec: Json = {
        "nodeClassRef": karpenter.node_class_ref.model_dump(by_alias=True),
        "requirements": _requirements(provider, karpenter),
        "taints": [taint],
    }
    if karpenter.expire_after is not None:
        spec["expireAfter"] = karpenter.expire_after
    if karpenter.termination_grace_period is not None:
        spec["terminationGracePeriod"] = karpenter.termination_grace_period
    return {"metadata": {"labels": {names.CAPACITY_PROVIDER: name}}, "spec": spec}


def _requirements(provider: CapacityProviderSpec, karpenter: Karpenter) -> list[Json]:
    """The capacity type, what the provider's own selector looks for, and what else is asked."""
    # Capacity that was reserved beforehand is on-demand capacity, too.
    types = ["spot"] if provider.spot else ["on-demand", "reserved"]
    selected = [_in(key, [value]) for key, value in sorted(provider.nodes.selector.items()) if key not in OWN]
    return [_in(CAPACITY_TYPE, types), *selected, *map(_requirement, karpenter.requirements)]


OWN = (CAPACITY_TYPE, names.CAPACITY_PROVIDER)


def _in(key: str, values: list[str]) -> Json:
    return {"key": key, "operator": "In", "values": values}


def _requirement(asked: Requirement) -> Json:
    made = asked.model_dump(by_alias=True, exclude_none=True)
    return {key: value for key, value in made.items() if value != []}


def _disruption(karpenter: Karpenter) -> Json:
    made: Json = {
        "consolidationPolicy": karpenter.consolidation_policy,
        "consolidateAfter": karpenter.consolidate_after,
    }
    if karpenter.budgets:
        budgets = [one.model_dump(by_alias=True, exclude_none=True) for one in karpenter.budgets]
        made["budgets"] = [{key: value for key, value in one.items() if value != []} for one in budgets]
    return made
