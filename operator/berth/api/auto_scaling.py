"""Service auto scaling, in Application Auto Scaling's own names."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape, list_map


class PredefinedMetricSpecification(Shape):
    """A metric that needs no further description."""

    predefined_metric_type: Literal["ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"]
    """CPU or memory used by the Service's tasks, in percent of what they reserve."""


class TargetTracking(Shape):
    """Keeps a metric near a value by starting and stopping tasks."""

    target_value: Annotated[float, Field(ge=1, le=1000)]
    """The percentage to keep; fractions are rounded to whole percents."""
    predefined_metric_specification: PredefinedMetricSpecification
    """The metric to keep."""
    scale_in_cooldown: Annotated[int, Field(ge=0, le=3600)] = 300
    """Seconds over which the highest recommendation counts before tasks are stopped."""
    scale_out_cooldown: Annotated[int, Field(ge=0, le=3600)] = 0
    """Seconds over which the lowest recommendation counts before tasks are started."""
    disable_scale_in: bool = False
    """True never stops tasks because of this policy."""


class ScalingPolicy(Shape):
    """One scaling policy; of several, the one that asks for the most tasks wins."""

    policy_name: Annotated[str, Field(min_length=1, max_length=256)]
    """The policy's name."""
    policy_type: Literal["TargetTrackingScaling"] = "TargetTrackingScaling"
    """Target tracking is what there is."""
    target_tracking_scaling_policy_configuration: TargetTracking
    """What to keep, and where."""


def _metrics(policies: list[ScalingPolicy]) -> list[str]:
    return [
        policy.target_tracking_scaling_policy_configuration.predefined_metric_specification.predefined_metric_type
        for policy in policies
    ]


class AutoScaling(Shape):
    """A scalable target and its policies."""

    min_capacity: Annotated[int, Field(ge=0, le=5000)]
    """The fewest tasks. Scaling by CPU or memory needs a task to measure, so 0 is taken as 1."""
    max_capacity: Annotated[int, Field(ge=1, le=5000)]
    """The most tasks."""
    policies: Annotated[list[ScalingPolicy], Field(min_length=1, max_length=10), list_map("policyName")]
    """What drives the count."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.minCapacity <= self.maxCapacity",
            message="autoScaling: minCapacity must not be greater than maxCapacity",
            holds=lambda self: self.min_capacity <= self.max_capacity,
        ),
        Rule(
            cel=(
                "self.policies.all(p, self.policies.exists_one(q, "
                "q.targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification.predefinedMetricType == "
                "p.targetTrackingScalingPolicyConfiguration.predefinedMetricSpecification.predefinedMetricType))"
            ),
            message="autoScaling: two policies track one metric; keep one of them",
            holds=lambda self: len(set(_metrics(self.policies))) == len(self.policies),
        ),
    )
