"""When a task counts as healthy: its health check says so, or, without one, it has run for a while (HL-7 of ECS)."""

from berth.plan.outcome import Json


def is_checked(template: Json) -> bool:
    """Whether a container's own check tells when the task is healthy."""
    return any("readinessProbe" in one for one in template["spec"]["containers"])


def lasting(template: Json, seconds: int) -> Json:
    """How long tasks must be ready before others are stopped for them, as a Deployment says it."""
    return {} if is_checked(template) or not seconds else {"minReadySeconds": seconds}


def healthy(live: Json) -> int:
    """A Deployment's healthy tasks: ready, and for long enough."""
    status = live.get("status", {})
    lasted = int(status.get("replicas", 0)) - int(status.get("unavailableReplicas", 0))
    return max(0, min(int(status.get("readyReplicas", 0)), lasted))
