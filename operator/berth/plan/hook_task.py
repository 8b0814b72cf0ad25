"""The task of a lifecycle hook: a task definition's pod that runs to its end, and is none of the Service's tasks.

It is frozen with the deployment, so that it runs what the deployment deploys, whatever changes meanwhile.
"""

from dataclasses import replace

from berth import names
from berth.api.container import ContainerDefinition, EnvironmentVariable
from berth.api.lifecycle_hook import ContainerOverride, DeploymentLifecycleHook
from berth.api.service import ServiceSpec
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan import dependencies, security_group
from berth.plan.cluster_defaults import of_cluster
from berth.plan.deployment_record import Deployment
from berth.plan.equipment import equipped
from berth.plan.fargate import unfit
from berth.plan.features import RESTART_ALL_CONTAINERS
from berth.plan.outcome import Blocked, Json
from berth.plan.place import place_of
from berth.plan.placement import placed
from berth.plan.providers import Providers
from berth.plan.refusals import refused
from berth.plan.revision import Revision, active_revision
from berth.plan.strategy import split_over
from berth.plan.task_template import task_template
from berth.plan.world import World

FIELD = "deploymentConfiguration.lifecycleHooks"
OF_TASKS = (names.SERVICE, names.CAPACITY_PROVIDER, names.SLOT)
"""Labels by which a Service's tasks are found: to be sent requests, to be counted, to be spared by evictions."""


def with_hooks(
    world: World, spec: ServiceSpec, deployment: Deployment, found: tuple[TaskDefinitionRevisionSpec, Providers]
) -> Deployment | Blocked:
    """A new deployment with the tasks of its hooks, frozen like its own."""
    content, providers = found
    revision = Revision(deployment.inputs["taskDefinition"], content)
    hooks: list[Json] = []
    for hook in spec.deployment_configuration.lifecycle_hooks or ():
        field = f"{FIELD}[{hook.name}]"
        runs = active_revision(world, hook.task_definition) if hook.task_definition else revision
        if isinstance(runs, Blocked):
            return replace(runs, message=f"{field}.{runs.message}")
        template = _template(world, spec, deployment, (hook, runs, providers))
        if isinstance(template, Blocked):
            return replace(template, message=f"{field}: task definition {runs.name}: {template.message}", stalled=False)
        hooks.append(
            {
                "name": hook.name,
                "stages": list(hook.lifecycle_stages),
                "taskDefinition": runs.name,
                "timeoutInMinutes": hook.timeout_configuration.timeout_in_minutes,
                "action": hook.timeout_configuration.action,
                "template": template,
            }
        )
    return replace(deployment, hooks=tuple(hooks))


def _template(
    world: World,
    spec: ServiceSpec,
    deployment: Deployment,
    what: tuple[DeploymentLifecycleHook, Revision, Providers],
) -> Json | Blocked:
    hook, revision, providers = what
    content = revision.spec
    if blocked := _unknown(hook, content) or refused(world, content):
        return blocked
    # One task goes where the strategy's first one would.
    provider = next(name for name, count in split_over(providers.strategy, 1, {}).items() if count)
    known = providers.specs.get(provider)
    own = hook.task_definition is None
    volumes = tuple(spec.volume_configurations) if own else ()
    if known and (fault := unfit(content, provider, known, [one.model_dump(by_alias=True) for one in volumes])):
        return fault
    features = frozenset(world.settings.features or ()) - {RESTART_ALL_CONTAINERS}
    made = of_cluster(world, spec, task_template(_to_its_end(content, hook), world.name, features))
    equipment = equipped(made, content, place_of(world), volumes)
    if isinstance(equipment, Blocked):
        return equipment
    where = deployment.placements[provider]
    return _apart(world, placed(equipment, provider, _on_nodes(where)), deployment)


def _unknown(hook: DeploymentLifecycleHook, content: TaskDefinitionRevisionSpec) -> Blocked | None:
    known = [one.name for one in content.container_definitions]
    for override in hook.overrides.container_overrides:
        if override.name not in known:
            return Blocked(
                "ContainerNotFound",
                f"overrides.containerOverrides: it has no container {override.name}; name one of {', '.join(known)}",
            )
    return None


def _to_its_end(content: TaskDefinitionRevisionSpec, hook: DeploymentLifecycleHook) -> TaskDefinitionRevisionSpec:
    """The task definition as a task that ends: with the overrides, and without what serves a task that stays."""
    overrides = {one.name: one for one in hook.overrides.container_overrides}
    essential = [one.name for one in content.container_definitions if one.essential]
    # ECS ends a task with any of its essential containers: here it ends with those that have something else to do.
    ends_it = set(overrides).intersection(essential) or set(essential)
    changed = [_changed(one, overrides.get(one.name), ends_it) for one in content.container_definitions]
    roles = dependencies.layout(changed).roles
    bare = [
        one.model_copy(update={"health_check": None, "restart_policy": None}) if roles[one.name] == "main" else one
        for one in changed
    ]
    return content.model_copy(update={"container_definitions": bare})


def _changed(one: ContainerDefinition, override: ContainerOverride | None, ends_it: set[str]) -> ContainerDefinition:
    update: Json = {"port_mappings": [], "essential": one.essential and one.name in ends_it}
    if override is not None:
        first = {variable.name: variable.value for variable in override.environment}
        kept = [variable for variable in one.environment if variable.name not in first]
        added = [EnvironmentVariable(name=name, value=value) for name, value in first.items()]
        update["environment"] = [*kept, *added]
        if override.command is not None:
            update["command"] = list(override.command)
    return one.model_copy(update=update)


def _on_nodes(where: Json) -> Json:
    """A provider's placement without what keeps a Service's tasks apart from each other, or together."""
    kept = {key: value for key, value in where.items() if key not in {"affinity", "topologySpreadConstraints"}}
    nodes = {key: value for key, value in where.get("affinity", {}).items() if key == "nodeAffinity"}
    return {**kept, **({"affinity": nodes} if nodes else {})}


def _apart(world: World, template: Json, deployment: Deployment) -> Json:
    """No request, no count and no budget takes it for a task of the Service; its security groups are the Service's."""
    metadata: Json = template["metadata"]
    groups = security_group.labels(security_group.groups_of(deployment.inputs), world.settings.platform)
    labels = {key: value for key, value in metadata["labels"].items() if key not in OF_TASKS}
    annotations = {**metadata["annotations"], names.DEPLOYMENT: deployment.name(world.name)}
    spec = {key: value for key, value in template["spec"].items() if key != "topologySpreadConstraints"}
    return {
        "metadata": {"labels": {**labels, **groups, names.HOOK: world.name}, "annotations": annotations},
        "spec": {**spec, "restartPolicy": "Never"},
    }
