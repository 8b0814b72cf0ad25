"""How a container's process runs: its order, its limits, its restarts, and what of Linux it sees."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape, list_map

CAPABILITY = "^[A-Z][A-Z_]{1,40}$"
MOUNT_OPTIONS = ("defaults", "rw", "ro", "nosuid", "nodev")


class ContainerDependency(Shape):
    """What must have happened to another container before this one starts."""

    container_name: Annotated[str, Field(max_length=255)]
    """The other container."""
    condition: Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"]
    """START: it runs. COMPLETE: it has ended. SUCCESS: it has ended with 0. HEALTHY: its health check has passed."""


class ContainerRestartPolicy(Shape):
    """Whether a container is restarted in its task."""

    enabled: bool
    """Kubernetes restarts containers either way."""
    ignored_exit_codes: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(max_length=50)] | None = None
    """Exit codes after which the container stays stopped."""
    restart_attempt_period: Annotated[int, Field(ge=60, le=1800)] | None = None
    """Accepted: Kubernetes waits longer after each restart instead (10 s to 5 minutes)."""


class Capabilities(Shape):
    """Linux capabilities, without the prefix CAP_."""

    add: Annotated[list[Annotated[str, Field(pattern=CAPABILITY)]], Field(max_length=64)] | None = None
    """Beyond what a container has by default; most need the platform's permission."""
    drop: Annotated[list[Annotated[str, Field(pattern=CAPABILITY)]], Field(max_length=64)] | None = None
    """Taken away from what a container has by default."""


class Device(Shape):
    """A device of the node. Only privileged containers get them."""

    host_path: Annotated[str, Field(pattern="^/", max_length=4096)]
    """The device on the node."""
    container_path: Annotated[str, Field(max_length=4096)] | None = None
    """The device in the container: the same path."""
    permissions: Annotated[list[Literal["read", "write", "mknod"]], Field(max_length=3)] | None = None
    """Accepted: a privileged container has all three."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.containerPath) || self.containerPath == self.hostPath",
            message="devices: containerPath must be left out or equal hostPath",
            holds=lambda self: self.container_path in {None, self.host_path},
            field=".containerPath",
        ),
    )


class Tmpfs(Shape):
    """A directory in memory."""

    container_path: Annotated[str, Field(pattern="^/", max_length=1024)]
    """Where the container sees it."""
    size: Annotated[int, Field(ge=1, le=16777216)]
    """Its size in MiB; what is in it counts as the container's memory."""
    mount_options: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32)] | None = None
    """defaults, rw, ro, nosuid, nodev."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"!has(self.mountOptions) || self.mountOptions.all(o, o in {list(MOUNT_OPTIONS)})",
            message="tmpfs.mountOptions: Kubernetes can give defaults, rw, ro, nosuid and nodev only; drop the others",
            holds=lambda self: set(self.mount_options or ()) <= set(MOUNT_OPTIONS),
            field=".mountOptions",
        ),
    )


class LinuxParameters(Shape):
    """What of Linux a container sees."""

    capabilities: Capabilities | None = None
    """Linux capabilities."""
    devices: Annotated[list[Device], Field(max_length=32), list_map("hostPath")] | None = None
    """Devices of the node, for privileged containers."""
    init_process_enabled: bool | None = None
    """True: the pod's first process collects orphans, in a task of one container or with pidMode task."""
    shared_memory_size: Annotated[int, Field(ge=0, le=16777216)] | None = None
    """MiB of /dev/shm."""
    tmpfs: Annotated[list[Tmpfs], Field(max_length=16), list_map("containerPath")] | None = None
    """Directories in memory."""
    max_swap: int | None = None
    """Refused, but for 0: the node decides about swap."""
    swappiness: Annotated[int, Field(ge=0, le=100)] | None = None
    """Accepted without effect: it means nothing without maxSwap, in ECS too."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.maxSwap) || self.maxSwap == 0",
            message="linuxParameters.maxSwap: a node decides about swap, not a container; leave it out or set 0",
            holds=lambda self: not self.max_swap,
            field=".maxSwap",
        ),
    )


class Ulimit(Shape):
    """A limit of the process, accepted without effect: containers have those of the node's container runtime."""

    name: Annotated[str, Field(min_length=1, max_length=32)]
    """nofile, nproc, memlock and so on."""
    soft_limit: int
    """The limit."""
    hard_limit: int
    """How far the process may raise it."""


class SystemControl(Shape):
    """A kernel parameter of the task."""

    namespace: Annotated[str, Field(pattern="^[a-z0-9]([-_a-z0-9./]*[a-z0-9])?$", max_length=253)]
    """The parameter, as net.core.somaxconn."""
    value: Annotated[str, Field(max_length=256)]
    """Its value."""


class HostEntry(Shape):
    """A name that the task's /etc/hosts has."""

    hostname: Annotated[str, Field(min_length=1, max_length=253)]
    """The name."""
    ip_address: Annotated[str, Field(min_length=2, max_length=45)]
    """Its address."""


class NvidiaMps(Shape):
    """Refused: a part of a GPU."""

    memory: Annotated[int, Field(ge=1)] | None = None
    """MiB of the GPU."""
    max_compute_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of the GPU."""


class SharingStrategy(Shape):
    """Refused: how a GPU is shared."""

    nvidia_mps: NvidiaMps | None = None
    """By NVIDIA's MPS."""


class ResourceRequirement(Shape):
    """Something countable that a container has for itself."""

    type: Literal["GPU", "NeuronDevice"]
    """GPU: nvidia.com/gpu. NeuronDevice: aws.amazon.com/neuron."""
    value: Annotated[str, Field(pattern="^[1-9][0-9]{0,3}$", max_length=4)]
    """How many."""
    sharing_strategy: SharingStrategy | None = None
    """Refused: nodes divide GPUs, not tasks."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.sharingStrategy)",
            message="sharingStrategy: nodes divide GPUs, not tasks; configure MPS or time slicing in NVIDIA's device "
            "plugin, and ask for a GPU here, which is then a part of one",
            holds=lambda self: self.sharing_strategy is None,
            field=".sharingStrategy",
        ),
    )


class NameValueFrom(Shape):
    """An option whose value is a secret."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    """The option."""
    value_from: Annotated[str, Field(max_length=2048)]
    """The secret."""


class LogConfiguration(Shape):
    """Where a container's output goes. On Kubernetes the cluster's log agent takes it; this is told to it in annotations."""  # noqa: E501

    log_driver: Literal[
        "json-file", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "awsfirelens", "none"
    ]
    """The driver."""
    options: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=64)] | None = None
    """The driver's options."""
    secret_options: Annotated[list[NameValueFrom], Field(max_length=32), list_map("name")] | None = None
    """Accepted without effect."""


class FirelensConfiguration(Shape):
    """Makes the container the task's log router."""

    type: Literal["fluentd", "fluentbit"]
    """What runs in it."""
    options: Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=64)] | None = None
    """Accepted without effect."""
