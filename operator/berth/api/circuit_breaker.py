"""The deployment circuit breaker: when a deployment has failed, and whether the last good one comes back."""

from typing import Annotated, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape

HUNDRED = 100


class ThresholdConfiguration(Shape):
    """How many failed tasks make a deployment fail."""

    type: Literal["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"] = "BOUNDED_PERCENT"
    """COUNT is a number of tasks; the others are percent of the desired count, BOUNDED_PERCENT at least 3 and at most 200 tasks."""  # noqa: E501
    value: Annotated[int, Field(ge=1, le=5000)] = 50
    """The number, or the percentage."""
    rules = (
        Rule(
            cel="self.type == 'COUNT' || self.value <= 100",
            message="thresholdConfiguration: a percentage is at most 100",
            holds=lambda self: self.type == "COUNT" or self.value <= HUNDRED,
            field=".value",
        ),
    )


class DeploymentCircuitBreaker(Shape):
    """Stops a deployment whose tasks fail one after the other."""

    enable: bool = False
    """Whether failed tasks make the deployment fail: no more of its tasks are started then."""
    rollback: bool = False
    """Whether a failed deployment is replaced by the last one that completed; the spec stays as it is."""
    reset_on_healthy_task: bool = True
    """Whether counting begins anew when another task has become healthy."""
    threshold_configuration: ThresholdConfiguration = ThresholdConfiguration()
    """How many failed tasks are too many: half of the desired count, at least 3 and at most 200, unless set."""
