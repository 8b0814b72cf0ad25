"""What a task as a whole reserves and may use: by its pod where the cluster can, or else by its containers."""

from berth.api.container import ContainerDefinition
from berth.api.sizes import cpu_units, memory_mib
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan import quantity
from berth.plan.container import resources
from berth.plan.dependencies import Layout
from berth.plan.features import POD_LEVEL_RESOURCES
from berth.plan.outcome import Json
from berth.plan.pod import is_windows
from berth.plan.translation import Around, Translation

STORAGE = "ephemeral-storage"


def _divided(value: object, around: Around) -> bool:
    return bool(value) and POD_LEVEL_RESOURCES not in around.features


TRANSLATIONS = (
    Translation(
        "cpu",
        "Close",
        "resources.requests.cpu, divided over the containers",
        "it is reserved for the task, but is no limit for the sum of its containers",
        when=_divided,
    ),
    Translation("cpu", "Exact", "the pod's resources.requests.cpu and limits.cpu"),
    Translation(
        "memory",
        "Close",
        "resources.requests.memory, and the limit of containers that name none",
        "it is reserved for the task and limits each container that names no memory, not their sum",
        when=_divided,
    ),
    Translation("memory", "Exact", "the pod's resources.requests.memory and limits.memory"),
)


def by_container(spec: TaskDefinitionRevisionSpec, layout: Layout, features: frozenset[str]) -> dict[str, Json]:
    """What each container reserves and may use."""
    # One that ends before the others start takes no part of what they share.
    sharing = [one for one in spec.container_definitions if layout.roles[one.name] != "once"]
    cpu = _leftover(cpu_units(spec.cpu or 0), [one.cpu for one in sharing])
    memory = _leftover(memory_mib(spec.memory or 0), [_memory(one) for one in sharing])
    parts = {one.name: (cpu[index], memory[index]) for index, one in enumerate(sharing)}
    windows = is_windows(spec)
    limit = 0 if POD_LEVEL_RESOURCES in features and not windows else memory_mib(spec.memory or 0)
    sized = {one.name: resources(one, *parts.get(one.name, (0, 0)), limit) for one in spec.container_definitions}
    if windows:
        # There a container's cpu is what it may use at most, and pods have no limits of their own.
        for one in spec.container_definitions:
            if one.cpu:
                sized[one.name].setdefault("limits", {})["cpu"] = sized[one.name]["requests"]["cpu"]
    if spec.ephemeral_storage is not None:
        first, room = sized[layout.main[0].name], f"{spec.ephemeral_storage.size_in_gi_b}Gi"
        for part in ("requests", "limits"):
            first[part] = {**first.get(part, {}), STORAGE: room}
    return sized


def of_the_task(spec: TaskDefinitionRevisionSpec, layout: Layout, features: frozenset[str]) -> Json:
    """The pod's own resources: a limit for the sum of its containers, as on ECS."""
    if POD_LEVEL_RESOURCES not in features or is_windows(spec):
        return {}
    sharing = [one for one in spec.container_definitions if layout.roles[one.name] != "once"]
    whole: Json = {}
    if spec.cpu is not None:
        units = cpu_units(spec.cpu)
        declared = [one.cpu for one in sharing]
        shares = [own + more for own, more in zip(declared, _leftover(units, declared), strict=True)]
        # Each container's share is rounded up, and the pod may not have less than their sum.
        whole["cpu"] = quantity.millicores(max(quantity.millis(units), sum(map(quantity.millis, shares))))
    if spec.memory is not None:
        mib = memory_mib(spec.memory)
        whole["memory"] = quantity.memory(max(mib, sum(_memory(one) for one in sharing)))
    return {"resources": {"requests": whole, "limits": dict(whole)}} if whole else {}


def _memory(definition: ContainerDefinition) -> int:
    return definition.memory_reservation or definition.memory or 0


def _leftover(whole: int, declared: list[int]) -> list[int]:
    """What the task names beyond its containers, over the containers that name nothing, or else to the first.

    A task of 512 units with one container is scheduled as 512 units, as on Fargate.
    """
    left = max(0, whole - sum(declared))
    takers = [index for index, amount in enumerate(declared) if not amount] or [0]
    parts = [0] * len(declared)
    for order, index in enumerate(takers):
        parts[index] = left // len(takers) + (order < left % len(takers))
    return parts
