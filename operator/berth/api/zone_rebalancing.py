"""availabilityZoneRebalancing: which Services can ask for it, and what their status shows of it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from berth.api.daemon import DAEMON
from berth.api.schema import Rule, Shape, list_map
from berth.api.service_deployment import Moment

ENABLED = "ENABLED"
Rebalancing = Literal["ENABLED", "DISABLED"]
ZONE_ATTRIBUTE = "ecs.availability-zone"
Zone = Annotated[str, Field(max_length=63)]


def _off(spec: Any) -> bool:
    return bool(spec.availability_zone_rebalancing != ENABLED)


def _if_on(test: str) -> str:
    """CEL: the test holds, unless nobody asks for rebalancing."""
    return f"self.availabilityZoneRebalancing != '{ENABLED}' || {test}"


def _spreads(spec: Any) -> bool:
    first = next(iter(spec.placement_strategy), None)
    return first is None or (first.type == "spread" and first.field == f"attribute:{ZONE_ATTRIBUTE}")


def _names_zones(spec: Any) -> bool:
    return any(ZONE_ATTRIBUTE in (one.expression or "") for one in spec.placement_constraints)


REBALANCING_RULES = (
    Rule(
        cel=_if_on(f"self.schedulingStrategy != '{DAEMON}'"),
        message="availabilityZoneRebalancing: schedulingStrategy DAEMON has nothing to rebalance; leave it out",
        holds=lambda self: _off(self) or self.scheduling_strategy != DAEMON,
        field=".availabilityZoneRebalancing",
    ),
    Rule(
        cel=_if_on("self.deploymentConfiguration.maximumPercent > 100"),
        message="availabilityZoneRebalancing starts a task before it stops another: set maximumPercent above 100",
        holds=lambda self: _off(self) or self.deployment_configuration.maximum_percent > 100,  # noqa: PLR2004
        field=".availabilityZoneRebalancing",
    ),
    Rule(
        cel=_if_on(
            "self.placementStrategy.size() == 0 || (self.placementStrategy[0].type == 'spread' && "
            f"self.placementStrategy[0].field == 'attribute:{ZONE_ATTRIBUTE}')"
        ),
        message="availabilityZoneRebalancing needs a spread over zones: leave placementStrategy out, or let it begin "
        f"with spread over attribute:{ZONE_ATTRIBUTE}",
        holds=lambda self: _off(self) or _spreads(self),
        field=".availabilityZoneRebalancing",
    ),
    Rule(
        cel=_if_on(
            f"self.placementConstraints.all(c, !has(c.expression) || !c.expression.contains('{ZONE_ATTRIBUTE}'))"
        ),
        message=f"availabilityZoneRebalancing: placementConstraints may not choose zones by {ZONE_ATTRIBUTE}; "
        "take that out, or choose nodes by a CapacityProvider",
        holds=lambda self: _off(self) or not _names_zones(self),
        field=".availabilityZoneRebalancing",
    ),
)


class ZoneTasks(Shape):
    """The tasks in one zone."""

    zone: Zone
    """The zone, as its nodes' label topology.kubernetes.io/zone says it."""
    running_count: int
    """Tasks there."""


class ZoneRebalancing(Shape):
    """The last move of a task to an emptier zone, while tasks are uneven over zones."""

    task: Annotated[str, Field(max_length=253)] | None = None
    """The task that stops once another is healthy in its place: its pod's name. None: no move is under way."""
    from_zone: Zone
    """The zone that it leaves."""
    to_zone: Zone
    """The zone with the fewest tasks, where another is to start."""
    started_at: Moment
    """When the move began."""
    failed_attempts: int = 0
    """Moves in a row after which the tasks were no more even than before. After five nothing is tried until zones come or go, or the number of tasks changes."""  # noqa: E501
    zones: Annotated[list[ZoneTasks], list_map("zone")]
    """The most even that tasks have been since: what the next move must be better than."""
