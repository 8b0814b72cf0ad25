"""What a Windows task cannot have, on ECS as little as on Kubernetes; without a word it would be lost."""

from collections.abc import Iterator

from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.outcome import Blocked
from berth.plan.pod import is_windows

OF_A_CONTAINER = (
    "user",
    "privileged",
    "readonly_root_filesystem",
    "linux_parameters",
    "system_controls",
    "docker_security_options",
    "extra_hosts",
    "links",
)


def refused(spec: TaskDefinitionSpec) -> Blocked | None:
    """The first field that only Linux has."""
    field = next(_asked(spec), None) if is_windows(spec) else None
    if field is None:
        return None
    return Blocked("Unsupported", f"{field} is not for Windows, on ECS as little as here; leave it out", stalled=True)


def _asked(spec: TaskDefinitionSpec) -> Iterator[str]:
    if spec.network_mode == "host":
        yield "networkMode host"
    if spec.pid_mode:
        yield "pidMode"
    if spec.ipc_mode:
        yield "ipcMode"
    for index, one in enumerate(spec.container_definitions):
        for name in OF_A_CONTAINER:
            if getattr(one, name):
                alias = type(one).model_fields[name].alias or name
                yield f"containerDefinitions[{index}].{alias}"
