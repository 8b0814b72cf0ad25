"""What Fargate asks of a task definition."""

from berth.api.capacity_provider import CapacityProviderSpec
from berth.api.sizes import cpu_units, fargate_memories, is_fargate_size, memory_mib
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.api.task_rules import ON_FARGATE
from berth.plan import eks_fargate
from berth.plan.outcome import Blocked, Json


def unfit(
    spec: TaskDefinitionRevisionSpec, name: str, provider: CapacityProviderSpec, volumes: list[Json]
) -> Blocked | None:
    """Why a task definition cannot run on a provider; None when it can."""
    types = spec.requires_compatibilities
    revision = f"task definition {spec.task_definition}:{spec.revision}"
    fit = {"EC2" if one in {"EXTERNAL", "MANAGED_INSTANCES"} else one for one in types}
    if fit and provider.type not in fit:
        return Blocked(
            "IncompatibleTaskDefinition",
            f"{revision} is for {', '.join(types)}, but capacity provider {name} is of type {provider.type}; "
            f"add {provider.type} to requiresCompatibilities, or choose another provider",
        )
    if provider.type != "FARGATE":
        return None
    eks = provider.nodes.preset == "eks-fargate"
    if message := _refused(spec) or (eks_fargate.refuses(spec, volumes) if eks else ""):
        return Blocked(
            "IncompatibleTaskDefinition",
            f"{revision} cannot run on capacity provider {name} of type FARGATE: {message}",
        )
    if spec.cpu is None or spec.memory is None:
        return Blocked(
            "InvalidFargateSize",
            f"{revision} names no cpu and memory for the whole task, which capacity provider {name} "
            "of type FARGATE needs, for example cpu: 256 and memory: 512",
        )
    cpu, memory = cpu_units(spec.cpu), memory_mib(spec.memory)
    if is_fargate_size(cpu, memory):
        return None
    fitting = fargate_memories(cpu)
    remedy = f"with cpu {cpu} memory is {fitting}" if fitting else "cpu is 256, 512, 1024, 2048, 4096, 8192 or 16384"
    return Blocked(
        "InvalidFargateSize",
        f"{revision} has cpu {cpu} and memory {memory}, which is no Fargate size (capacity provider {name}): {remedy}",
    )


def _refused(spec: TaskDefinitionRevisionSpec) -> str:
    """What a provider of this type refuses in every task, whether or not it names FARGATE."""
    if any(volume.of_the_host for volume in spec.volumes):
        return "it has no Docker volumes and no directories of nodes (host.sourcePath); use an EFS file system"
    as_if = spec.model_copy(update={"requires_compatibilities": ["FARGATE"]})
    return next((rule.message for rule in ON_FARGATE if not rule.holds(as_if)), "")
