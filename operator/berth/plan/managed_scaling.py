"""What managed scaling makes of a CapacityProvider: a NodePool where Karpenter is, and room for tasks to come."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from berth.api.capacity_provider import CapacityProviderSpec
from berth.api.managed_scaling import ManagedScaling, is_managed
from berth.plan.conditions import State
from berth.plan.headroom import placeholders, room_for, tasks_first
from berth.plan.node_pool import has_served, node_pool
from berth.plan.outcome import Child, Json
from berth.plan.place import FILE
from berth.plan.placement import placement
from berth.plan.provider_load import load_of
from berth.plan.world import World
from berth.resources import DEPLOYMENT, NODE_POOL

FULL = 100
IN_PROGRESS = "InProgress"
UNSEEN = "Karpenter has not said yet that it is ready"
OTHERWISE = (
    "or let another autoscaler scale nodes with the provider's labels and taints (leave managedScaling.karpenter out), "
    "or bring nodes yourself (managedScaling.status: DISABLED)"
)


@dataclass(slots=True)
class Scaling:
    """What managed scaling adds to a provider's plan."""

    children: list[Child] = field(default_factory=list[Child])
    status: Json = field(default_factory=dict[str, object])
    said: list[str] = field(default_factory=list[str])
    """For the message of a provider with which all is well."""
    fault: State | None = None
    again: timedelta | None = None


def scaling_of(world: World, provider: CapacityProviderSpec) -> Scaling:
    """Nothing for a provider whose nodes somebody else brings."""
    made = Scaling()
    asked = provider.managed_scaling
    if asked is None:
        return made
    _pool(world, provider, asked, made)
    if is_managed(asked) and asked.target_capacity < FULL:
        _headroom(world, provider, asked.target_capacity, made)
    if world.not_owned:
        made.fault = State(
            "NotOwned",
            f"{', '.join(world.not_owned)} exists and is not this provider's: "
            "rename the CapacityProvider, or delete that object",
            stalled=True,
        )
    return made


def _pool(world: World, provider: CapacityProviderSpec, asked: ManagedScaling, made: Scaling) -> None:
    """The NodePool; one that is asked for no more is frozen and not made again."""
    if asked.karpenter is None:
        return
    if NODE_POOL in world.absent:
        made.fault = _missing(world) if is_managed(asked) else None
        return
    found = world.one(NODE_POOL, world.name)
    if not is_managed(asked) and (found is None or has_served(world)):
        return
    made.children.append(node_pool(world.name, provider, asked.karpenter))
    nodes = int(found["status"].get("nodes", 0)) if found else 0
    made.status |= {"nodePool": world.name, "poolNodes": nodes}
    made.said.append(f"NodePool {world.name}: {nodes} nodes" + ("" if is_managed(asked) else ", no more are added"))
    if is_managed(asked) and (why := _not_ready(found)):
        made.fault = State(IN_PROGRESS if why == UNSEEN else "NodePoolNotReady", f"NodePool {world.name}: {why}")


def _missing(world: World) -> State:
    if not world.settings.platform.managed_scaling.karpenter:
        remedy = f"the platform team adds `managedScaling: {{karpenter: true}}` to {FILE} where Karpenter is"
        return State(
            "PlatformUnmapped", f"managedScaling.karpenter: NodePools are not Berth's here; {remedy}, {OTHERWISE}"
        )
    remedy = "install Karpenter"
    return State("KarpenterMissing", f"managedScaling.karpenter: the cluster has no NodePools; {remedy}, {OTHERWISE}")


def _not_ready(pool: Json | None) -> str:
    """Why Karpenter makes no nodes of a pool, in its own words; empty when it does."""
    conditions: list[Json] = pool["status"].get("conditions", []) if pool else []
    if any(one["type"] == "Ready" and one["status"] == "True" for one in conditions):
        return ""
    faults = [
        f"{one['type']}: {one.get('message') or one.get('reason', '')}"
        for one in conditions
        if one["status"] == "False" and one["type"] != "Ready"
    ]
    return "; ".join(faults) or UNSEEN


def _headroom(world: World, provider: CapacityProviderSpec, target: int, made: Scaling) -> None:
    loads = load_of(world, world.name)
    room = room_for(loads, target)
    present = sum(int(one["spec"].get("replicas", 0)) for one in world.children(DEPLOYMENT))
    made.again = tasks_first(world, loads) if room.count > present else None
    if made.again is not None:
        room = replace(room, count=present)
    made.status["placeholders"] = room.count
    if not room.count:
        return
    where = placement(world.name, provider)
    made.children.append(placeholders(world.name, room, where, world.settings))
    made.said.append(f"places kept free: {room.count}")
    for one in world.children(DEPLOYMENT):
        for condition in one["status"].get("conditions", []):
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                made.fault = State("HeadroomFailed", f"targetCapacity: {condition.get('message', condition['reason'])}")
