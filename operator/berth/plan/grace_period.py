"""healthCheckGracePeriodSeconds: so long after a task's start a check that fails ends nothing."""

from berth.plan.outcome import Json


def graced(template: Json, seconds: int) -> Json:
    """The template whose checks begin to count after the grace period: until then they are startup probes."""
    if not seconds:
        return template
    spec = template["spec"]
    return {**template, "spec": {**spec, "containers": [_graced(one, seconds) for one in spec["containers"]]}}


def _graced(container: Json, seconds: int) -> Json:
    check = container.get("startupProbe") or container.get("livenessProbe")
    if check is None or "livenessProbe" not in container:
        return container
    already = check["failureThreshold"] if "startupProbe" in container else 0
    return {
        **container,
        "startupProbe": {**check, "failureThreshold": max(already, -(-seconds // check["periodSeconds"]))},
    }
