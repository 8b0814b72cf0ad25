"""Service auto scaling: a HorizontalPodAutoscaler on the Service's own /scale keeps the split exact at every count."""

from berth import names
from berth.api.auto_scaling import AutoScaling, TargetTracking
from berth.api.service import ServiceSpec
from berth.plan.outcome import Child, Json
from berth.plan.world import World
from berth.resources import AUTOSCALER, SERVICE

RESOURCE = {"ECSServiceAverageCPUUtilization": "cpu", "ECSServiceAverageMemoryUtilization": "memory"}


def autoscaler(world: World, spec: ServiceSpec, *, deploying: bool) -> list[Child]:
    """What scales the Service. While a deployment replaces tasks, none are taken away: on ECS, too, it only grows."""
    if spec.auto_scaling is None:
        return []
    manifest: Json = {
        "metadata": {
            "labels": {
                names.MANAGED_BY: names.FIELD_MANAGER,
                names.APP_NAME: world.name,
                names.SERVICE: world.name,
            }
        },
        "spec": {
            "scaleTargetRef": {"apiVersion": SERVICE.api_version, "kind": SERVICE.kind, "name": world.name},
            "minReplicas": max(1, spec.auto_scaling.min_capacity),
            "maxReplicas": spec.auto_scaling.max_capacity,
            "metrics": [_metric(policy) for policy in _policies(spec.auto_scaling)],
            "behavior": _behavior(_policies(spec.auto_scaling), fixed=deploying),
        },
    }
    return [Child(AUTOSCALER, world.name, manifest)]


def _policies(scaling: AutoScaling) -> list[TargetTracking]:
    return [policy.target_tracking_scaling_policy_configuration for policy in scaling.policies]


def _metric(policy: TargetTracking) -> Json:
    name = RESOURCE[policy.predefined_metric_specification.predefined_metric_type]
    target = {"type": "Utilization", "averageUtilization": max(1, round(policy.target_value))}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def _behavior(policies: list[TargetTracking], *, fixed: bool) -> Json:
    """The slowest policy sets the pace; tasks are stopped unless every policy forbids it."""
    down: Json = {"stabilizationWindowSeconds": max(policy.scale_in_cooldown for policy in policies)}
    if fixed or all(policy.disable_scale_in for policy in policies):
        down["selectPolicy"] = "Disabled"
    return {
        "scaleDown": down,
        "scaleUp": {"stabilizationWindowSeconds": max(policy.scale_out_cooldown for policy in policies)},
    }
