"""Deployment strategies that start a second set of tasks and shift traffic to it, at once or part by part."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape

ROLLING: Final = "ROLLING"
Strategy = Literal["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]
LEAST_PERCENT = 0.1
Minutes = Annotated[int, Field(ge=0, le=1440)]


class LinearConfiguration(Shape):
    """How LINEAR shifts production traffic, in equal steps."""

    step_percent: Annotated[float, Field(ge=3, le=100)] = 10
    """Percent of the requests that each step shifts, in tenths."""
    step_bake_time_in_minutes: Minutes = 6
    """So long the deployment is watched after each step but the last."""


class CanaryConfiguration(Shape):
    """How CANARY shifts production traffic: a part, and then all."""

    canary_percent: Annotated[float, Field(le=100)] = 5
    """Percent of the requests that are shifted first, in tenths, at least one of these."""
    canary_bake_time_in_minutes: Minutes = 10
    """So long the deployment is watched before the rest follows."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            # The API server holds whole numbers to the whole part of a minimum, which here is 0.
            cel="self.canaryPercent >= 0.1",
            message="canaryPercent is at least 0.1",
            holds=lambda self: self.canary_percent >= LEAST_PERCENT,
            field=".canaryPercent",
        ),
    )


STRATEGY_RULES = (
    Rule(
        cel="self.strategy != 'BLUE_GREEN' || has(self.bakeTimeInMinutes)",
        message="strategy BLUE_GREEN needs bakeTimeInMinutes; 0 is allowed",
        holds=lambda self: self.strategy != "BLUE_GREEN" or self.bake_time_in_minutes is not None,
    ),
    Rule(
        cel="self.strategy == 'LINEAR' || !has(self.linearConfiguration)",
        message="linearConfiguration needs strategy LINEAR",
        holds=lambda self: self.strategy == "LINEAR" or self.linear_configuration is None,
        field=".linearConfiguration",
    ),
    Rule(
        cel="self.strategy == 'CANARY' || !has(self.canaryConfiguration)",
        message="canaryConfiguration needs strategy CANARY",
        holds=lambda self: self.strategy == "CANARY" or self.canary_configuration is None,
        field=".canaryConfiguration",
    ),
)
