"""What EKS asks of a task on its own Fargate, beyond Fargate's rules on ECS."""

from collections.abc import Iterator

from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan.outcome import Json


def refuses(spec: TaskDefinitionRevisionSpec, volume_configurations: list[Json]) -> str:
    """Why EKS would not run a task definition on Fargate; empty when it would."""
    return next(_faults(spec, volume_configurations), "")


def _faults(spec: TaskDefinitionRevisionSpec, volume_configurations: list[Json]) -> Iterator[str]:
    if spec.network_mode == "host":
        yield "EKS has no host network on Fargate; use networkMode awsvpc"
    ports = [port for one in spec.container_definitions for port in one.port_mappings]
    if spec.network_mode == "bridge" and any(port.host_port for port in ports):
        yield "EKS opens no hostPort on Fargate; leave it out"
    if (platform := spec.runtime_platform) is not None:
        if platform.cpu_architecture == "ARM64":
            yield "EKS has no Arm on Fargate; use a CapacityProvider with Arm nodes for runtimePlatform ARM64"
        if platform.operating_system_family not in {None, "LINUX"}:
            yield "EKS has no Windows on Fargate; use a CapacityProvider with Windows nodes"
    if volume_configurations:
        yield "EKS attaches no EBS volume on Fargate (volumeConfigurations); use an EFS file system"
    for one in spec.container_definitions:
        if one.memory is not None and one.memory_reservation not in {None, one.memory}:
            yield (
                f"on Fargate EKS reserves all that a container may use: in container {one.name} leave "
                "memoryReservation out, or make it equal to memory"
            )


def guaranteed(pod: Json) -> Json:
    """The pod with limits equal to requests. Fargate sizes a task by its containers, so that the pod's own go."""
    made = {key: value for key, value in pod.items() if key != "resources"}
    for part in ("initContainers", "containers"):
        if part in made:
            made[part] = [_guaranteed(one) for one in made[part]]
    return made


def _guaranteed(container: Json) -> Json:
    resources: Json = container.get("resources", {})
    wanted = {**resources.get("limits", {}), **resources.get("requests", {})}
    return {**container, "resources": {"requests": wanted, "limits": dict(wanted)}} if wanted else container
