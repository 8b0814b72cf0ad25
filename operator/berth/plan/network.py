"""The address of a Service: one Kubernetes Service in front of the tasks of all its providers."""

from collections.abc import Collection

from berth import names
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Child, Json
from berth.plan.world import World
from berth.resources import CORE_SERVICE


def address(world: World, deployment: Deployment, selector: Json, further: Collection[Json] = ()) -> list[Child]:
    """The ports that the deployment froze, to tasks that the selector finds; without ports nobody needs an address.

    Further ports lead to these by other numbers, and win where two have one number.
    """
    if not deployment.ports:
        return []
    taken = {(one["port"], one["protocol"]) for one in further}
    ports = [one for one in deployment.ports if (one["port"], one["protocol"]) not in taken]
    manifest: Json = {
        "metadata": {"labels": _labels(deployment)},
        "spec": {"selector": selector, "ports": [*ports, *further]},
    }
    return [Child(CORE_SERVICE, world.name, manifest)]


def second_address(world: World, deployment: Deployment) -> Child:
    """What leads to the tasks of this deployment's set, whoever has the Service's own address."""
    manifest: Json = {
        "metadata": {"labels": names.service_labels(world.name)},
        "spec": {
            "selector": {names.SERVICE: world.name, names.SLOT: deployment.slot},
            "ports": deployment.ports,
        },
    }
    return Child(CORE_SERVICE, names.green(world.name), manifest)


def _labels(deployment: Deployment) -> Json:
    """Those of the tasks but their groups', which are no matter of an address."""
    labels: Json = deployment.template["metadata"]["labels"]
    return {key: value for key, value in labels.items() if not key.startswith(names.SECURITY_GROUP)}
