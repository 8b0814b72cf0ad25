"""What no pod, or no pod in this namespace, can be: said on the TaskDefinition, and on a Service before it deploys."""

from berth.api.task_definition import TaskDefinitionSpec
from berth.plan import dependencies, hosts, placement_constraint, pod, ports, security, windows
from berth.plan.outcome import Blocked
from berth.plan.world import World


def refused(world: World, spec: TaskDefinitionSpec) -> Blocked | None:
    """The first fault, in the order in which a user would mend them."""
    return (
        dependencies.refused(spec.container_definitions)
        or windows.refused(spec)
        or pod.refused(spec)
        or hosts.refused(spec)
        or ports.refused(spec)
        or placement_constraint.refused(spec.placement_constraints, world.settings.platform)
        or security.refused(spec, world.namespace, world.settings)
    )
