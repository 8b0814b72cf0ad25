"""A container of a task, from its containerDefinition."""

from dataclasses import dataclass
from typing import Any

from berth import names
from berth.api.container import ContainerDefinition
from berth.plan import ports, quantity
from berth.plan.dependencies import Layout
from berth.plan.health import probes
from berth.plan.memory import mounts
from berth.plan.outcome import Json
from berth.plan.restart import restarts
from berth.plan.security import security_context
from berth.plan.translation import Around, Translation

CONTAINER = "containerDefinitions[]"
DEVICES = {"GPU": "nvidia.com/gpu", "NeuronDevice": "aws.amazon.com/neuron"}
# Runs the words that follow, and ends with 0 whatever they ended with.
SET_ASIDE = ("/bin/sh", "-c", '"$0" "$@"; exit 0')


@dataclass(frozen=True, slots=True)
class Task:
    """What a container needs to know of its task."""

    layout: Layout
    network_mode: str
    features: frozenset[str]
    windows: bool = False


def _tagged(value: Any, _: Around) -> bool:
    return "@" not in str(value)


def _enabled(value: Any, _: Around) -> bool:
    return bool(value == "enabled")


TRANSLATIONS = (
    Translation(CONTAINER, "Exact", "a container of the pod"),
    Translation(f"{CONTAINER}.name", "Exact", "containers[].name, made a DNS label where it is none"),
    Translation(
        f"{CONTAINER}.image",
        "Close",
        "containers[].image",
        "the tag is looked up by each node that starts a task, where ECS looks it up once for a deployment; "
        "name the image by its digest to be sure of one",
        when=_tagged,
    ),
    Translation(f"{CONTAINER}.image", "Exact", "containers[].image"),
    Translation(f"{CONTAINER}.cpu", "Exact", "resources.requests.cpu: a share, not a limit"),
    Translation(f"{CONTAINER}.memory", "Exact", "resources.limits.memory"),
    Translation(
        f"{CONTAINER}.memoryReservation",
        "Close",
        "resources.requests.memory",
        "it is reserved as on ECS, but a node short of memory evicts tasks that are above it "
        "instead of taking memory back",
    ),
    Translation(f"{CONTAINER}.command", "Exact", "containers[].args, $(NAME) kept literal"),
    Translation(f"{CONTAINER}.entryPoint", "Exact", "containers[].command, $(NAME) kept literal"),
    Translation(f"{CONTAINER}.environment", "Exact", "containers[].env, $(NAME) kept literal"),
    Translation(f"{CONTAINER}.portMappings", "Exact", "containers[].ports, and ports of the Service's address"),
    Translation(
        f"{CONTAINER}.portMappings[].appProtocol",
        "Close",
        "appProtocol of the port in the Service's addresses",
        "gateways and meshes that read it speak so to the tasks; no proxy of Service Connect does",
    ),
    *ports.TRANSLATIONS,
    Translation(f"{CONTAINER}.workingDirectory", "Exact", "containers[].workingDir"),
    Translation(f"{CONTAINER}.interactive", "Exact", "containers[].stdin"),
    Translation(f"{CONTAINER}.pseudoTerminal", "Exact", "containers[].tty"),
    Translation(
        f"{CONTAINER}.resourceRequirements", "Exact", "resources.limits of nvidia.com/gpu or aws.amazon.com/neuron"
    ),
    Translation(
        f"{CONTAINER}.resourceRequirements[].sharingStrategy",
        "Refused",
        "nothing",
        "nodes divide GPUs, not tasks: configure MPS or time slicing in NVIDIA's device plugin, and ask for a GPU, "
        "which is then a part of one",
    ),
    Translation(
        f"{CONTAINER}.ulimits",
        "LeftOut",
        "nothing",
        "Kubernetes sets no ulimits: containers have those of the node's container runtime "
        "(LimitNOFILE of containerd, for example)",
    ),
    Translation(
        f"{CONTAINER}.versionConsistency",
        "Close",
        "a first task of each deployment, and its digests in the template of all others",
        "not for DAEMON Services, at desiredCount 0, or where maximumPercent allows no task more: there each node "
        "looks the tag up",
        when=_enabled,
    ),
    Translation(f"{CONTAINER}.versionConsistency", "Exact", "nodes look the tag up"),
    Translation(f"{CONTAINER}.disableNetworking", "Refused", "nothing", "containers of a task share one network"),
)


def container(definition: ContainerDefinition, resources: Json, task: Task) -> Json:
    """The Kubernetes container; its resources come from the task, which knows what the whole may use."""
    role = task.layout.roles[definition.name]
    made: Json = {"name": names.dns_label(definition.name), "image": definition.image}
    made |= _process(definition, task.layout.awaited.get(definition.name, frozenset()))
    if definition.environment:
        made["env"] = [_variable(variable.name, variable.value) for variable in definition.environment]
    if opened := ports.of_the_container(definition, task.network_mode):
        made["ports"] = opened
    if resources:
        made["resources"] = resources
    if role == "sidecar":
        made["restartPolicy"] = "Always"
    if role == "main":
        made |= restarts(definition, task.features, alone=len(task.layout.roles) == 1)
    if role != "once":
        made |= probes(definition, task.layout.awaited.get(definition.name, frozenset()), windows=task.windows)
    if not task.windows:
        made["securityContext"] = security_context(definition)
    if mounted := mounts(definition):
        made["volumeMounts"] = mounted
    return made


def _process(definition: ContainerDefinition, awaited: frozenset[str]) -> Json:
    """What runs, where, and with what at its standard input."""
    made: Json = {}
    if definition.entry_point:
        made["command"] = [literal(word) for word in definition.entry_point]
        if "COMPLETE" in awaited:
            made["command"] = [*SET_ASIDE, *made["command"]]
    if definition.command:
        made["args"] = [literal(word) for word in definition.command]
    if definition.working_directory:
        made["workingDir"] = definition.working_directory
    if definition.interactive:
        made["stdin"] = True
    if definition.pseudo_terminal:
        made["tty"] = True
    return made


def resources(definition: ContainerDefinition, extra_cpu: int, extra_memory: int, task_memory: int) -> Json:
    """What a container reserves and may use; the extras are its part of what only the task as a whole names."""
    requests: Json = {}
    cpu = definition.cpu + extra_cpu
    reserved = (definition.memory_reservation or definition.memory or 0) + extra_memory
    if cpu:
        requests["cpu"] = quantity.cpu(cpu)
    if reserved:
        requests["memory"] = quantity.memory(reserved)
    made: Json = {"requests": requests} if requests else {}
    if limit := definition.memory or task_memory:
        made["limits"] = {"memory": quantity.memory(max(limit, reserved))}
    for one in definition.resource_requirements or ():
        made.setdefault("limits", {})[DEVICES[one.type]] = one.value
    return made


def literal(text: str) -> str:
    """ECS takes $(NAME) literally where the kubelet would expand it."""
    return text.replace("$(", "$$(")


def _variable(name: str, value: str) -> Json:
    return {"name": name, "value": literal(value)} if value else {"name": name}
