"""How much of the production traffic each step shifts to a second set of tasks, and how long it is watched there."""

from datetime import timedelta

from berth.api.deployment_strategy import CanaryConfiguration, LinearConfiguration
from berth.plan.lifecycle_stage import ALL, Underway


def next_percent(at: Underway) -> float:
    """After BLUE_GREEN's one step all is shifted; what nobody configured is ECS's default."""
    configuration = at.spec.deployment_configuration
    if at.deployment.strategy == "CANARY" and not at.percent:
        return _tenths((configuration.canary_configuration or CanaryConfiguration()).canary_percent)
    if at.deployment.strategy == "LINEAR":
        more = (configuration.linear_configuration or LinearConfiguration()).step_percent
        return min(ALL, _tenths(at.percent + _tenths(more)))
    return ALL


def step_bake_time(at: Underway) -> timedelta:
    """So long a part of the traffic is watched before more follows."""
    configuration = at.spec.deployment_configuration
    if at.deployment.strategy == "LINEAR":
        minutes = (configuration.linear_configuration or LinearConfiguration()).step_bake_time_in_minutes
    else:
        minutes = (configuration.canary_configuration or CanaryConfiguration()).canary_bake_time_in_minutes
    return timedelta(minutes=minutes)


def _tenths(percent: float) -> float:
    return round(percent, 1)
