"""A Cluster: how much its Services run, and whether its providers are there."""

from collections.abc import Iterator

from pydantic import ValidationError

from berth import names
from berth.api.cluster import ClusterSpec
from berth.plan.conditions import State, blocked_state, common_status, invalid_spec
from berth.plan.keep import CLUSTER_PREFIX
from berth.plan.outcome import Json, Plan
from berth.plan.world import World
from berth.resources import CAPACITY_PROVIDER, SERVICE


def plan(world: World) -> Plan:
    """Nothing is made for a Cluster: its Services take what it says into their deployments."""
    counts = _counts(world.group(SERVICE, CLUSTER_PREFIX + world.name))
    try:
        spec = ClusterSpec.model_validate(world.subject["spec"])
    except ValidationError as error:
        return Plan(children=None, status={**common_status(world, blocked_state(invalid_spec(error))), **counts})
    return Plan(children=(), status={**common_status(world, _state(world, spec)), "status": "ACTIVE", **counts})


def _state(world: World, spec: ClusterSpec) -> State:
    missing = sorted({name for name in _providers(spec) if world.one(CAPACITY_PROVIDER, name) is None})
    if not missing:
        return State("Active", "its Services can use it", ready=True)
    return State(
        "CapacityProviderNotFound",
        f"there is no CapacityProvider {', '.join(missing)}; create it, or take the name out of the Cluster",
    )


def _providers(spec: ClusterSpec) -> Iterator[str]:
    yield from map(names.provider, spec.capacity_providers)
    yield from (names.provider(item.capacity_provider) for item in spec.default_capacity_provider_strategy)
    yield from (names.provider(name) for name in (spec.launch_types.fargate, spec.launch_types.ec2) if name)


def _counts(services: tuple[Json, ...]) -> Json:
    """As describe-clusters has them; deletion is refused while one of them is above 0."""
    statuses: list[Json] = [one.get("status", {}) for one in services]
    return {
        "activeServicesCount": len(services),
        "runningTasksCount": sum(int(one.get("runningCount", 0)) for one in statuses),
        "pendingTasksCount": sum(int(one.get("pendingCount", 0)) for one in statuses),
    }
