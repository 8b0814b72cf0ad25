"""containerDefinitions: one container of a task, as RegisterTaskDefinition takes it."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.port import UNIQUE_PORTS, PortMapping
from berth.api.process import (
    ContainerDependency,
    ContainerRestartPolicy,
    FirelensConfiguration,
    HostEntry,
    LinuxParameters,
    LogConfiguration,
    ResourceRequirement,
    SystemControl,
    Ulimit,
)
from berth.api.schema import Rule, Shape, list_map, list_set
from berth.api.secret import EnvironmentFile, RepositoryCredentials, Secret
from berth.api.volume import MountPoint, VolumeFrom

USER = "^(root|[0-9]{1,10})(:(root|[0-9]{1,10}))?$"
SECURITY_OPTION = (
    "^(no-new-privileges(:true)?|apparmor:[A-Za-z0-9._/-]+|label:(user|role|type|level):[A-Za-z0-9_.:,-]+)$"
)

Word = Annotated[str, Field(max_length=4096)]


class EnvironmentVariable(Shape):
    """One environment variable."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    """The variable's name."""
    value: Annotated[str, Field(max_length=32768)] = ""
    """Its value, taken literally: `$(NAME)` is not expanded, as in ECS."""


class HealthCheck(Shape):
    """A command that tells whether the container is well."""

    command: Annotated[list[Word], Field(min_length=1, max_length=64)]
    """First CMD (run the words that follow), CMD-SHELL (give the next word to /bin/sh -c) or NONE; then the command."""
    interval: Annotated[int, Field(ge=5, le=300)] = 30
    """Seconds between checks."""
    timeout: Annotated[int, Field(ge=2, le=60)] = 5
    """Seconds after which a check has failed."""
    retries: Annotated[int, Field(ge=1, le=10)] = 3
    """Failures in a row that make the container unhealthy."""
    start_period: Annotated[int, Field(ge=0, le=300)] = 0
    """Seconds after the start in which failures do not count."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            # An empty command is refused by its least length already.
            cel=(
                "self.command.size() == 0 || self.command[0] == 'NONE' || "
                "(self.command[0] in ['CMD', 'CMD-SHELL'] && self.command.size() > 1)"
            ),
            message="healthCheck.command must start with CMD or CMD-SHELL, followed by the command, or be NONE",
            holds=lambda self: (
                self.command[0] == "NONE" or (self.command[0] in {"CMD", "CMD-SHELL"} and len(self.command) > 1)
            ),
            field=".command",
        ),
    )


class ContainerDefinition(Shape):
    """One container of a task."""

    name: Annotated[str, Field(pattern="^[a-zA-Z0-9_-]+$", max_length=255)]
    """The container's name, unique in its task."""
    image: Annotated[str, Field(min_length=1, max_length=1024)]
    """The image, as `repository/name:tag` or `repository/name@digest`."""
    cpu: Annotated[int, Field(ge=0, le=262144)] = 0
    """CPU units to reserve, 1024 to a vCPU. A share, not a limit, as in ECS."""
    memory: Annotated[int, Field(ge=6, le=16777216)] | None = None
    """MiB that the container may use; beyond it the container is killed."""
    memory_reservation: Annotated[int, Field(ge=6, le=16777216)] | None = None
    """MiB to reserve; the container may use more, up to `memory`."""
    essential: bool = True
    """When an essential container stops, the task has failed."""
    command: Annotated[list[Word], Field(max_length=256)] | None = None
    """Replaces the image's CMD."""
    entry_point: Annotated[list[Word], Field(max_length=256)] | None = None
    """Replaces the image's ENTRYPOINT."""
    environment: Annotated[list[EnvironmentVariable], Field(max_length=512), list_map("name")] = Field(
        default_factory=list[EnvironmentVariable]
    )
    """Environment variables."""
    # No map by containerPort, which a range has not.
    port_mappings: Annotated[list[PortMapping], Field(max_length=100)] = Field(default_factory=list[PortMapping])
    """Ports that the container listens on; each becomes a port of the Service's address, ranges aside."""
    depends_on: Annotated[list[ContainerDependency], Field(max_length=9), list_map("containerName")] | None = None
    """What must have happened to other containers before this one starts."""
    start_timeout: Annotated[int, Field(ge=1, le=86400)] | None = None
    """Seconds that this container has to become HEALTHY for those that wait for it."""
    stop_timeout: Annotated[int, Field(ge=0, le=86400)] | None = None
    """Seconds from SIGTERM to SIGKILL; 30 when left out."""
    restart_policy: ContainerRestartPolicy | None = None
    """Whether the container is restarted in its task."""
    working_directory: Annotated[str, Field(max_length=4096)] | None = None
    """Where commands run."""
    user: Annotated[str, Field(max_length=64)] | None = None
    """The user, as 1000 or 1000:1000: Kubernetes looks no names up in images (root aside)."""
    readonly_root_filesystem: bool | None = None
    """Nothing but volumes can be written."""
    privileged: bool | None = None
    """Power over the node; the platform must allow it (BERTH_PRIVILEGED_NAMESPACES)."""
    linux_parameters: LinuxParameters | None = None
    """What of Linux the container sees."""
    ulimits: Annotated[list[Ulimit], Field(max_length=16), list_map("name")] | None = None
    """Accepted without effect: containers have the limits of the node's container runtime."""
    # No map by namespace, a word that CEL reserves: the API server would call two equal lists different.
    system_controls: Annotated[list[SystemControl], Field(max_length=32)] | None = None
    """Kernel parameters; they hold for the whole task."""
    interactive: bool | None = None
    """Keeps standard input open."""
    pseudo_terminal: bool | None = None
    """Gives it a terminal."""
    disable_networking: bool | None = None
    """Refused: containers of a task share one network."""
    dns_servers: Annotated[list[Annotated[str, Field(max_length=45)]], Field(max_length=3), list_set()] | None = None
    """Name servers instead of the cluster's; they hold for the whole task."""
    dns_search_domains: (
        Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=32), list_set()] | None
    ) = None
    """Domains that short names are looked up in; they hold for the whole task."""
    extra_hosts: Annotated[list[HostEntry], Field(max_length=64)] | None = None
    """Names for /etc/hosts; they hold for the whole task."""
    hostname: Annotated[str, Field(pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)] | None = None
    """The task's host name: containers of a task share one."""
    links: Annotated[list[Annotated[str, Field(max_length=511)]], Field(max_length=10)] | None = None
    """`container` or `container:alias`: names for other containers of the task, which share one address."""
    docker_labels: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=128)] | None = None
    """Kept in an annotation of the task."""
    docker_security_options: (
        Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=8), list_set()] | None
    ) = None
    """no-new-privileges, apparmor:PROFILE or label:type:NAME (also user, role, level)."""
    log_configuration: LogConfiguration | None = None
    """Kept in an annotation for the cluster's log agent, which takes the output from the node."""
    firelens_configuration: FirelensConfiguration | None = None
    """Makes the container the task's log router."""
    resource_requirements: Annotated[list[ResourceRequirement], Field(max_length=1), list_map("type")] | None = None
    """GPUs."""
    version_consistency: Literal["enabled", "disabled"] | None = None
    """enabled: the tag is looked up once for a deployment, by its first task; disabled: by each node. Left out: what the operator's BERTH_VERSION_CONSISTENCY says, which is disabled. Not for DAEMON Services, nor for strategies other than ROLLING."""  # noqa: E501
    credential_specs: Annotated[list[Annotated[str, Field(max_length=1024)]], Field(max_length=1)] | None = None
    """Refused: Active Directory identities (gMSA) are not given."""
    health_check: HealthCheck | None = None
    """A command that tells whether the container is well."""
    mount_points: Annotated[list[MountPoint], Field(max_length=30), list_map("containerPath")] = Field(
        default_factory=list[MountPoint]
    )
    """Volumes of the task inside this container."""
    volumes_from: Annotated[list[VolumeFrom], Field(max_length=10), list_map("sourceContainer")] = Field(
        default_factory=list[VolumeFrom]
    )
    """Containers whose mounts this one has, too."""
    secrets: Annotated[list[Secret], Field(max_length=64), list_map("name")] = Field(default_factory=list[Secret])
    """Secrets in environment variables."""
    environment_files: Annotated[list[EnvironmentFile], Field(max_length=10), list_map("value")] = Field(
        default_factory=list[EnvironmentFile]
    )
    """Files of environment variables; the first that has a name wins, and `environment` over all."""
    repository_credentials: RepositoryCredentials | None = None
    """Credentials for the image's registry."""
    rules: ClassVar[tuple[Rule, ...]] = (
        UNIQUE_PORTS,
        Rule(
            cel=f"!has(self.user) || self.user.matches('{USER}')",
            message="user must be numeric, as 1000 or 1000:1000: Kubernetes looks no names up; "
            "`docker run --rm --entrypoint id IMAGE NAME` prints the numbers",
            holds=lambda self: self.user is None or re.fullmatch(USER, self.user) is not None,
            field=".user",
        ),
        Rule(
            cel="!has(self.disableNetworking) || !self.disableNetworking",
            message="disableNetworking: containers of a task share one network; networkMode none is for all of them",
            holds=lambda self: not self.disable_networking,
            field=".disableNetworking",
        ),
        Rule(
            cel="!has(self.credentialSpecs) || self.credentialSpecs.size() == 0",
            message="credentialSpecs: Active Directory identities (gMSA) are not given to tasks yet; leave them out",
            holds=lambda self: not self.credential_specs,
            field=".credentialSpecs",
        ),
        Rule(
            cel=(
                f"!has(self.dockerSecurityOptions) || self.dockerSecurityOptions.all(o, o.matches('{SECURITY_OPTION}'))"
            ),
            message="dockerSecurityOptions must be no-new-privileges, apparmor:PROFILE "
            "or label:user:, label:role:, label:type:, label:level: with a value",
            holds=lambda self: all(re.fullmatch(SECURITY_OPTION, one) for one in self.docker_security_options or ()),
            field=".dockerSecurityOptions",
        ),
        Rule(
            cel=(
                "!has(self.linuxParameters) || !has(self.linuxParameters.devices) || "
                "self.linuxParameters.devices.size() == 0 || (has(self.privileged) && self.privileged)"
            ),
            message="linuxParameters.devices: only privileged containers get devices by path; "
            "set privileged, or ask for a device plugin's resource by resourceRequirements",
            holds=lambda self: (
                bool(self.privileged) or self.linux_parameters is None or not self.linux_parameters.devices
            ),
            field=".linuxParameters",
        ),
        Rule(
            cel="!has(self.memory) || !has(self.memoryReservation) || self.memory >= self.memoryReservation",
            message="memory must not be smaller than memoryReservation",
            holds=lambda self: (
                self.memory is None or self.memory_reservation is None or self.memory >= self.memory_reservation
            ),
            field=".memory",
        ),
        Rule(
            cel="!sets.intersects(self.secrets.map(s, s.name), self.environment.map(e, e.name))",
            message="secrets and environment have a variable of one name: keep one of them",
            holds=lambda self: not {one.name for one in self.secrets} & {one.name for one in self.environment},
            field=".secrets",
        ),
    )
