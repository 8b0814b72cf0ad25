"""Directories in memory: /dev/shm and tmpfs."""

from berth import names
from berth.api.container import ContainerDefinition
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan import quantity
from berth.plan.outcome import Json
from berth.plan.translation import Around, Translation

LINUX = "containerDefinitions[].linuxParameters"
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # a mount point, not a temporary file


def _swaps(value: object, around: Around) -> bool:
    return bool(value) and not around.container.get("linuxParameters", {}).get("maxSwap")


def _collected(value: object, around: Around) -> bool:
    alone = len(around.task.get("containerDefinitions", ())) == 1
    return bool(value) and (alone or bool(around.task.get("pidMode")))


TRANSLATIONS = (
    Translation(LINUX, "Exact", "the fields below"),
    Translation(f"{LINUX}.sharedMemorySize", "Exact", "an emptyDir in memory at /dev/shm"),
    Translation(f"{LINUX}.tmpfs", "Exact", "an emptyDir in memory for each"),
    Translation(f"{LINUX}.devices", "Exact", "a privileged container has the node's devices"),
    Translation(
        f"{LINUX}.initProcessEnabled",
        "Close",
        "shareProcessNamespace: the pod's pause process is the task's init",
        "the pod's own first process collects orphans, and the container's is no longer number 1",
        when=_collected,
    ),
    Translation(
        f"{LINUX}.initProcessEnabled",
        "LeftOut",
        "nothing",
        "Kubernetes starts no init process in a container, and containers of a task see one another's processes only "
        "where somebody asks for it: set pidMode: task, which has one for the whole task, or put one (tini) into the "
        "image",
    ),
    Translation(
        f"{LINUX}.maxSwap",
        "Refused",
        "nothing",
        "a node decides about swap, not a container",
    ),
    Translation(
        f"{LINUX}.swappiness",
        "LeftOut",
        "nothing",
        "a node decides about swap; without maxSwap it means nothing on ECS either",
        when=_swaps,
    ),
)


def wants_init(spec: TaskDefinitionSpec) -> bool:
    """A container alone in its task sees nobody's processes but its own, so it can share the pod's first one."""
    if len(spec.container_definitions) != 1:
        return False
    linux = spec.container_definitions[0].linux_parameters
    return bool(linux and linux.init_process_enabled)


def volumes(definition: ContainerDefinition) -> list[Json]:
    """The pod's volumes for one container's memory directories."""
    return [
        {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": quantity.memory(size)}}
        for name, _, size, _ in _directories(definition)
    ]


def mounts(definition: ContainerDefinition) -> list[Json]:
    return [
        {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}
        for name, path, _, read_only in _directories(definition)
    ]


def _directories(definition: ContainerDefinition) -> list[tuple[str, str, int, bool]]:
    """Name, path, size in MiB, and whether it is read-only."""
    linux = definition.linux_parameters
    if linux is None:
        return []
    container = names.dns_label(definition.name)
    found: list[tuple[str, str, int, bool]] = []
    if linux.shared_memory_size:
        found.append((names.joined("shm", container), SHARED_MEMORY, linux.shared_memory_size, False))
    for number, one in enumerate(linux.tmpfs or (), 1):
        name = names.joined("tmpfs", str(number), container)
        found.append((name, one.container_path, one.size, "ro" in (one.mount_options or ())))
    return found
