"""A container's healthCheck as probes."""

from berth.api.container import ContainerDefinition, HealthCheck
from berth.plan.outcome import Json
from berth.plan.translation import Around, Translation

# By whether the task runs on Windows; what Docker gives CMD-SHELL to.
SHELL = {False: ("/bin/sh", "-c"), True: ("cmd", "/S", "/C")}
HEALTH_CHECK = "containerDefinitions[].healthCheck"


def _without_effect(value: Json, around: Around) -> bool:
    return bool(value) and around.container.get("essential") is False


TRANSLATIONS = (
    Translation(
        HEALTH_CHECK,
        "Close",
        "a startupProbe where others wait for HEALTHY",
        "the check of a container that is not essential counts only for containers that wait for it, as on ECS; "
        "its state is shown nowhere",
        when=_without_effect,
    ),
    Translation(
        HEALTH_CHECK,
        "Close",
        "readinessProbe, livenessProbe, and startupProbe for startPeriod",
        "a container that fails its check gets no requests and is restarted in its task; ECS replaces the task",
    ),
)


def probes(definition: ContainerDefinition, awaited: frozenset[str], *, windows: bool = False) -> Json:
    """A failing check takes the task out of the balancer and restarts the container, where ECS replaces the task."""
    check = definition.health_check
    if check is None or check.command[0] == "NONE":
        return {}
    words = check.command[1:] if check.command[0] == "CMD" else [*SHELL[windows], *check.command[1:]]
    probe: Json = {
        "exec": {"command": words},
        "periodSeconds": check.interval,
        "timeoutSeconds": check.timeout,
        "failureThreshold": check.retries,
    }
    made: Json = {"readinessProbe": probe, "livenessProbe": probe} if definition.essential else {}
    if "HEALTHY" in awaited or (check.start_period and definition.essential):
        made["startupProbe"] = {**probe, "failureThreshold": _attempts(check, definition.start_timeout)}
    return made


def _attempts(check: HealthCheck, start_timeout: int | None) -> int:
    """As many as fit into the time that the container has to become healthy."""
    if start_timeout is not None:
        return max(1, -(-start_timeout // check.interval))
    return check.retries + -(-check.start_period // check.interval)
