"""How many tasks an eviction must leave healthy: minimumHealthyPercent, over the tasks of all providers together."""

from collections.abc import Iterable

from berth import names
from berth.api.capacity_provider import CapacityProviderSpec
from berth.api.service import ServiceSpec
from berth.plan.limits import lowest
from berth.plan.outcome import Child, Json
from berth.plan.task_set import Sets
from berth.plan.world import World
from berth.resources import POD_DISRUPTION_BUDGET


def disruption_budget(
    world: World, spec: ServiceSpec, providers: Iterable[CapacityProviderSpec], sets: Sets
) -> list[Child]:
    """At 100 % no eviction passes until a draining node's tasks were replaced, and then all of them do.

    Where somebody chose that tasks are not replaced beforehand, nothing would ever answer a refused eviction: there one
    task may go at a time.
    """
    if spec.is_daemon:
        # A node takes its own task along; the next node has another.
        return []
    least = lowest(spec.desired_count, spec.deployment_configuration)
    if any(provider.managed_draining == "DISABLED" for provider in providers):
        least = min(least, spec.desired_count - 1)
    if least < 1:
        return []
    if sets.own is None or sets.other is None:
        return [_budget(world, world.name, least)]
    # Of two sets each is guarded for itself: the tasks of the one are no stand-ins for those of the other.
    two = zip((world.name, names.green(world.name)), (names.FIRST_SLOT, names.SECOND_SLOT), strict=True)
    return [_budget(world, name, least, {names.SLOT: slot}) for name, slot in two]


def _budget(world: World, name: str, least: int, slot: Json | None = None) -> Child:
    spec: Json = {
        "minAvailable": least,
        "selector": {"matchLabels": {names.SERVICE: world.name, **(slot or {})}},
        # A task that is not healthy guards nothing.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return Child(POD_DISRUPTION_BUDGET, name, {"metadata": {"labels": names.service_labels(world.name)}, "spec": spec})
