"""A CapacityProvider: the nodes that it has, and what runs there."""

from pydantic import ValidationError

from berth.api.capacity_provider import CapacityProviderSpec
from berth.plan.conditions import State, blocked_state, common_status, invalid_spec
from berth.plan.managed_scaling import scaling_of
from berth.plan.outcome import Json, Plan
from berth.plan.preset import Pool, pool_of
from berth.plan.provider_usage import usage_of
from berth.plan.providers import fallback_fault
from berth.plan.world import World


def plan(world: World) -> Plan:
    """Its Services take its nodes and tolerations into their tasks; with managed scaling it brings the nodes, too."""
    try:
        spec = CapacityProviderSpec.model_validate(world.subject["spec"])
    except ValidationError as error:
        return Plan(children=None, status=common_status(world, blocked_state(invalid_spec(error))))
    pool = pool_of(world.name, spec)
    usage, scaling = usage_of(world, pool), scaling_of(world, spec)
    state = State("Available", "; ".join((_message(pool, usage.nodes), *scaling.said)), ready=True)
    if fault := fallback_fault(world, world.name, spec):
        state = State("FallbackInvalid", f"{fault}. Its tasks wait here as long as that is so")
    before: Json = world.subject.get("status", {})
    shown: Json = {**common_status(world, scaling.fault or state), **usage.shown(before)}
    if scaling.status:
        shown["managedScaling"] = scaling.status
    return Plan(children=tuple(scaling.children), status=shown, again=scaling.again)


def _message(pool: Pool, nodes: int) -> str:
    if pool.profile is not None:
        return "tasks run where a Fargate profile selects their labels"
    if pool.labels or pool.expressions:
        return f"ready nodes that match the selector: {nodes}"
    return "every node will do: no selector"
