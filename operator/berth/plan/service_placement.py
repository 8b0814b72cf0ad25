"""What a Service asks of the nodes of its tasks, by placementConstraints and placementStrategy.

It is frozen with a deployment: a change starts none, as in ECS, and new tasks of a running one must be like the others,
because a Deployment has one template. So it counts from the next deployment on, and on providers that join.
"""

from berth.api.capacity_provider import CapacityProviderSpec
from berth.api.daemon import ON_EACH
from berth.api.service import ServiceSpec
from berth.api.task_rules import FARGATE_PLACES
from berth.plan.affinity import combined
from berth.plan.node_affinity import Inexpressible
from berth.plan.outcome import Blocked, Json
from berth.plan.placement_constraint import FIELD, affinity
from berth.plan.placement_strategy import preferences
from berth.plan.world import World


def misplaced(world: World, spec: ServiceSpec) -> Blocked | None:
    """What no platform can fulfil is told at once, whether or not a deployment starts."""
    asked = _asked(world, spec)
    return asked if isinstance(asked, Blocked) and asked.stalled else None


def asked_placement(
    world: World, spec: ServiceSpec, provider: CapacityProviderSpec | None, where: Json
) -> Json | Blocked:
    """A provider's own placement (`where`) with what the Service asks for on top."""
    on_fargate = provider is not None and provider.type == "FARGATE"
    if on_fargate and spec.is_daemon:
        return Blocked(
            "DaemonRefused",
            f"{ON_EACH}, and capacity providers of type FARGATE have none; choose one of type EC2",
            stalled=True,
        )
    if on_fargate:
        # Strategies are ignored, since there are no nodes to choose from; a constraint would be broken in silence.
        return where if not spec.placement_constraints else _refused(FARGATE_PLACES.removeprefix(f"{FIELD}: "))
    asked = _asked(world, spec)
    if isinstance(asked, Blocked):
        return asked
    affinity = combined(where.get("affinity", {}), asked.get("affinity", {}))
    return {**where, **asked, **({"affinity": affinity} if affinity else {})}


def clashing(spec: ServiceSpec, template: Json, where: Json) -> Blocked | None:
    """What the task definition and the Service cannot have together: their alternatives multiply."""
    try:
        found = combined(template["spec"].get("affinity", {}), where.get("affinity", {}))
    except Inexpressible as error:
        return _refused(f"together with the task definition's {error}")
    if spec.is_daemon and ("podAffinity" in found or "podAntiAffinity" in found):
        return Blocked(
            "DaemonRefused",
            f"{FIELD}: {ON_EACH} whatever else runs there; leave task:group out and choose nodes by attributes",
            stalled=True,
        )
    return None


def _asked(world: World, spec: ServiceSpec) -> Json | Blocked:
    # A daemon has one task on a node anyway.
    constraints = [one for one in spec.placement_constraints if not spec.is_daemon or one.type == "memberOf"]
    constrained = affinity(constraints, world.settings.platform, world.name)
    if isinstance(constrained, Blocked):
        return constrained
    preferred = preferences(spec.placement_strategy, world.name, world.settings.platform)
    if isinstance(preferred, Blocked):
        return preferred
    asked = combined(constrained, preferred.get("affinity", {}))
    return {**preferred, **({"affinity": asked} if asked else {})}


def _refused(message: str) -> Blocked:
    return Blocked("PlacementConstraintRefused", f"{FIELD}: {message}", stalled=True)
