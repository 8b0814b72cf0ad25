"""TaskDefinition: the blueprint of a task, in the names of RegisterTaskDefinition."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.condition import Condition
from berth.api.container import ContainerDefinition
from berth.api.kind import AGE, MESSAGE, READY, Column, Kind, name_rule
from berth.api.placement import PlacementConstraint
from berth.api.platform import (
    EphemeralStorage,
    InferenceAccelerator,
    ProxyConfiguration,
    RuntimePlatform,
    Tag,
    TrustedExecutionConfiguration,
)
from berth.api.schema import Rule, Shape, list_map, list_set
from berth.api.sizes import CPU_PATTERN, FARGATE_CEL, MEMORY_PATTERN, cpu_units, is_fargate_size, memory_mib
from berth.api.task_rules import BETWEEN_CONTAINERS, FARGATE, ON_FARGATE
from berth.api.volume import Volume

Cpu = Annotated[int, Field(ge=1, le=999999999)] | Annotated[str, Field(pattern=CPU_PATTERN, max_length=16)]
Memory = Annotated[int, Field(ge=1, le=999999999)] | Annotated[str, Field(pattern=MEMORY_PATTERN, max_length=16)]

CapacityType = Literal["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]
SIZES = (
    "256 with 512, 1024 or 2048; 512 with 1024 to 4096; 1024 with 2048 to 8192; 2048 with 4096 to 16384; "
    "4096 with 8192 to 30720 (steps of 1024); 8192 with 16384 to 61440 (steps of 4096); "
    "16384 with 32768 to 122880 (steps of 8192)"
)


def _mounted(containers: list[ContainerDefinition]) -> set[str]:
    return {point.source_volume for container in containers for point in container.mount_points}


NOT_HERE = (
    Rule(
        cel="!has(self.ipcMode) || self.ipcMode != 'none' || self.containerDefinitions.size() == 1",
        message="ipcMode none: containers of a task share IPC; leave it out, or give each container a task of its own",
        holds=lambda self: self.ipc_mode != "none" or len(self.container_definitions) == 1,
        field=".ipcMode",
    ),
    Rule(
        cel=(
            "!has(self.trustedExecutionConfiguration) || (!has(self.trustedExecutionConfiguration.attestationPolicy) "
            "&& self.trustedExecutionConfiguration.isolationMode == 'SHARED')"
        ),
        message="trustedExecutionConfiguration: sandboxes are not given to tasks; select nodes whose runtime is one by "
        "a CapacityProvider",
        holds=lambda self: self.trusted_execution_configuration is None or self.trusted_execution_configuration.shared,
        field=".trustedExecutionConfiguration",
    ),
    Rule(
        cel="!has(self.enableFaultInjection) || !self.enableFaultInjection",
        message="enableFaultInjection: there is no agent that injects faults; use a chaos tool for Kubernetes",
        holds=lambda self: not self.enable_fault_injection,
        field=".enableFaultInjection",
    ),
    Rule(
        cel="!has(self.inferenceAccelerators) || self.inferenceAccelerators.size() == 0",
        message="inferenceAccelerators: Elastic Inference is no more; ask for a GPU by resourceRequirements",
        holds=lambda self: not self.inference_accelerators,
        field=".inferenceAccelerators",
    ),
    Rule(
        cel="!has(self.proxyConfiguration)",
        message="proxyConfiguration: App Mesh is no more; let a mesh that you install inject its own proxy",
        holds=lambda self: self.proxy_configuration is None,
        field=".proxyConfiguration",
    ),
)


class TaskDefinitionSpec(Shape):
    """What RegisterTaskDefinition takes, in its own names."""

    family: Annotated[str, Field(pattern="^[a-zA-Z0-9_-]+$", min_length=1, max_length=255)] | None = None
    """The family that revisions belong to; metadata.name when left out."""
    container_definitions: Annotated[list[ContainerDefinition], Field(min_length=1, max_length=10), list_map("name")]
    """The containers of a task."""
    cpu: Cpu | None = None
    """CPU of the whole task: units (256) or vCPUs (".25 vCPU"). Fargate needs it."""
    memory: Memory | None = None
    """Memory of the whole task: MiB (512) or GB ("0.5 GB"). Fargate needs it."""
    requires_compatibilities: Annotated[list[CapacityType], Field(max_length=4), list_set()] = Field(
        default_factory=list[CapacityType]
    )
    """The types of capacity provider that this definition must be fit for; EXTERNAL and MANAGED_INSTANCES mean EC2."""
    network_mode: Literal["awsvpc", "bridge", "host", "none"] = "awsvpc"
    """awsvpc, bridge: each task has an address of its own; bridge can also open ports of the node. host: the node's. none: nothing goes in or out, where the platform says that the cluster enforces NetworkPolicies."""  # noqa: E501
    pid_mode: Literal["host", "task"] | None = None
    """task: containers see one another's processes. host: those of the node; the platform must allow it."""
    ipc_mode: Literal["host", "task", "none"] | None = None
    """task: what containers of a task share anyway. host: with the node; the platform must allow it. none: for a task of one container."""  # noqa: E501
    runtime_platform: RuntimePlatform | None = None
    """The nodes that the task can run on."""
    ephemeral_storage: EphemeralStorage | None = None
    """Room on the node's disk."""
    tags: Annotated[list[Tag], Field(max_length=50), list_map("key")] | None = None
    """Kept in an annotation of the task."""
    enable_fault_injection: bool | None = None
    """Refused: there is no agent that injects faults."""
    placement_constraints: Annotated[list[PlacementConstraint], Field(max_length=10)] | None = None
    """Rules about the nodes that each task keeps to, together with those of its Service; not on Fargate."""
    inference_accelerators: Annotated[list[InferenceAccelerator], Field(max_length=32)] | None = None
    """Refused: Elastic Inference is no more."""
    trusted_execution_configuration: TrustedExecutionConfiguration | None = None
    """Refused, but for SHARED."""
    proxy_configuration: ProxyConfiguration | None = None
    """Refused: App Mesh is no more."""
    volumes: Annotated[list[Volume], Field(max_length=30), list_map("name")] = Field(default_factory=list[Volume])
    """Volumes that containers mount by mountPoints."""
    task_role_arn: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """The IAM role of the task's containers; the platform says which ServiceAccount that is here."""
    execution_role_arn: Annotated[str, Field(max_length=2048)] | None = None
    """Accepted: images are pulled and secrets are fetched with the platform's own identities."""
    rules: ClassVar[tuple[Rule, ...]] = (
        *BETWEEN_CONTAINERS,
        *ON_FARGATE,
        *NOT_HERE,
        Rule(
            cel="self.containerDefinitions.exists(c, c.essential)",
            message="containerDefinitions: at least one container must be essential",
            holds=lambda self: any(container.essential for container in self.container_definitions),
        ),
        Rule(
            cel=f"!({FARGATE}) || (has(self.cpu) && has(self.memory))",
            message="cpu and memory are required with FARGATE in requiresCompatibilities, for example 256 and 512",
            holds=lambda self: (
                "FARGATE" not in self.requires_compatibilities or (self.cpu is not None and self.memory is not None)
            ),
        ),
        Rule(
            cel=f"!({FARGATE}) || !has(self.cpu) || !has(self.memory) || {FARGATE_CEL}",
            message=f"cpu and memory are not a Fargate size; sizes are {SIZES}",
            holds=lambda self: (
                "FARGATE" not in self.requires_compatibilities
                or self.cpu is None
                or self.memory is None
                or is_fargate_size(cpu_units(self.cpu), memory_mib(self.memory))
            ),
        ),
        Rule(
            cel=f"!({FARGATE}) || self.networkMode == 'awsvpc'",
            message="networkMode must be awsvpc with FARGATE in requiresCompatibilities",
            holds=lambda self: "FARGATE" not in self.requires_compatibilities or self.network_mode == "awsvpc",
            field=".networkMode",
        ),
        Rule(
            cel=(
                "self.containerDefinitions.all(c, "
                "c.mountPoints.all(m, self.volumes.exists(v, v.name == m.sourceVolume)))"
            ),
            message="mountPoints: sourceVolume must be the name of one of the task's volumes",
            holds=lambda self: _mounted(self.container_definitions) <= {volume.name for volume in self.volumes},
        ),
        Rule(
            cel=(
                "self.containerDefinitions.all(c, sets.contains("
                "self.containerDefinitions.map(d, d.name), c.volumesFrom.map(f, f.sourceContainer)))"
            ),
            message="volumesFrom: sourceContainer must be the name of one of the task's containers",
            holds=lambda self: all(
                source.source_container in {other.name for other in self.container_definitions}
                for container in self.container_definitions
                for source in container.volumes_from
            ),
        ),
        Rule(
            cel="self.volumes.filter(v, v.configuredAtLaunch).size() <= 1",
            message="volumes: only one volume may be configuredAtLaunch",
            holds=lambda self: sum(volume.configured_at_launch for volume in self.volumes) <= 1,
            field=".volumes",
        ),
        Rule(
            cel=(
                f"!({FARGATE}) || self.volumes.all(v, !has(v.dockerVolumeConfiguration) && "
                "!(has(v.host) && has(v.host.sourcePath) && v.host.sourcePath != ''))"
            ),
            message="volumes: Fargate has no Docker volumes and no directories of nodes (host.sourcePath)",
            holds=lambda self: (
                "FARGATE" not in self.requires_compatibilities or not any(volume.of_the_host for volume in self.volumes)
            ),
            field=".volumes",
        ),
    )


class TaskDefinitionStatus(Shape):
    """Which revision is the newest."""

    observed_generation: int | None = None
    """The generation of the spec that this status was computed for."""
    family: str | None = None
    """The family that revisions belong to."""
    latest_revision: int | None = None
    """The highest number given so far; numbers are never given twice."""
    conditions: Annotated[list[Condition], list_map("type")] | None = None
    """Ready, Reconciling and Stalled."""


TASK_DEFINITION = Kind(
    kind="TaskDefinition",
    plural="taskdefinitions",
    singular="taskdefinition",
    short_names=("taskdef",),
    description=(
        "The blueprint of a task: containers, their images, sizes, environment and ports. "
        "Every change of content registers an immutable TaskDefinitionRevision."
    ),
    spec=TaskDefinitionSpec,
    status=TaskDefinitionStatus,
    columns=(
        Column("Family", "string", ".status.family"),
        Column("Revision", "integer", ".status.latestRevision"),
        READY,
        MESSAGE,
        AGE,
    ),
    rules=(name_rule(52, "revisions are named after it"),),
)
