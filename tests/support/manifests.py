"""Manifests as a user writes them."""

from typing import Any

Json = dict[str, Any]
API = "berth.dev/v1alpha1"
POOL = "berth.dev/capacity-provider"


def task_definition(name: str = "web", image: str = "shop/web:1", **spec: Any) -> Json:
    container = {
        "name": "web",
        "image": image,
        "portMappings": [{"containerPort": 8080, "name": "http"}],
        "environment": [{"name": "GREETING", "value": "hello"}],
    }
    content = {"cpu": "256", "memory": "512", "containerDefinitions": [container], **spec}
    return {"apiVersion": API, "kind": "TaskDefinition", "metadata": {"name": name}, "spec": content}


def service(name: str = "web", **spec: Any) -> Json:
    return {
        "apiVersion": API,
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"taskDefinition": "web", **spec},
    }


def strategy(**shares: tuple[int, int]) -> list[Json]:
    """A strategy from provider=(base, weight); underscores in a provider's name stand for dashes."""
    return [
        {"capacityProvider": name.replace("_", "-"), "base": base, "weight": weight}
        for name, (base, weight) in shares.items()
    ]


def capacity_provider(name: str, pool: str = "", **spec: Any) -> Json:
    """A provider on a pool of nodes that carry Berth's label and taint."""
    pool = pool or name
    nodes = {"selector": {POOL: pool}, "tolerations": [{"key": POOL, "value": pool, "effect": "NoSchedule"}]}
    return {
        "apiVersion": API,
        "kind": "CapacityProvider",
        "metadata": {"name": name},
        "spec": {"type": "FARGATE", "nodes": nodes, **spec},
    }


def target_tracking(metric: str, target: float) -> Json:
    return {
        "policyName": metric,
        "targetTrackingScalingPolicyConfiguration": {
            "targetValue": target,
            "predefinedMetricSpecification": {"predefinedMetricType": f"ECSServiceAverage{metric}Utilization"},
        },
    }
