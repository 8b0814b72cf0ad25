"""The network in front of a Service: all by which others reach its tasks, and what that asks of the tasks."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from berth import names
from berth.api.load_balancer import ApplicationLoadBalancer
from berth.api.schema import Shape
from berth.api.service import ServiceSpec
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan import ingress, load_balancer, route, security_group
from berth.plan.load_balancer import Front
from berth.plan.network import address, second_address
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import unsupported
from berth.plan.service_connect import aliases, connected
from berth.plan.service_registry import registered
from berth.plan.traffic import Traffic, targets
from berth.plan.world import World
from berth.resources import CORE_SERVICE


@dataclass(frozen=True, slots=True)
class Demand:
    """What the network in front asks of the tasks of a new deployment."""

    fronts: list[Front]
    labels: dict[str, str]
    deregistration_seconds: int

    def met_by(self, template: Json) -> Json:
        """The template of tasks that answer their balancers' checks and carry the labels of their groups."""
        made = load_balancer.checked(template, self.fronts)
        metadata: Json = made["metadata"]
        return {**made, "metadata": {**metadata, "labels": {**self.labels, **metadata["labels"]}}}


def asked(spec: ServiceSpec) -> Json:
    """What of the network a deployment is started for; defaults are left out, so that a new field starts none."""
    parts: dict[str, Any] = {
        "networkConfiguration": spec.network_configuration,
        "loadBalancers": spec.load_balancers,
        "serviceRegistries": spec.service_registries,
        "serviceConnectConfiguration": spec.service_connect_configuration,
    }
    return {key: _said(part) for key, part in parts.items() if part}


def demand(world: World, spec: TaskDefinitionRevisionSpec, inputs: Json) -> Demand | Blocked:
    """What a deployment started for these inputs needs, or what of it is not to be had."""
    platform = world.settings.platform
    groups = security_group.groups_of(inputs)
    found = load_balancer.fronts(world.name, inputs, platform)
    if isinstance(found, Blocked):
        return found
    if fault := security_group.unknown(groups, platform) or load_balancer.misnamed(found, spec):
        return fault
    seconds = load_balancer.deregistration(found, world.settings.deregistration_seconds)
    return Demand(found, security_group.labels(groups, platform), seconds)


def front(world: World, traffic: Traffic) -> list[Child] | Blocked:
    """The addresses, routes and balancers of a deployment; what the platform says of them counts as it is now."""
    platform, deployment = world.settings.platform, traffic.deployment
    if fault := security_group.unknown(security_group.groups_of(deployment.inputs), platform):
        return fault
    found = load_balancer.fronts(world.name, deployment.inputs, platform)
    if isinstance(found, Blocked):
        return found
    connections = aliases(world, deployment)
    if isinstance(connections, Blocked):
        return connections
    selector = traffic.selector(world.name)
    registries = registered(world, deployment, selector)
    if isinstance(registries, Blocked):
        return registries
    own = connections.get(world.name, [])
    made = [*address(world, deployment, selector, own), *connected(world, connections, selector), *registries]
    if traffic.green and traffic.green.ports and any(one.kind.gateway is not None for one in found):
        made.append(second_address(world, traffic.green))
    for one in found:
        behind = _led_away(one, own) or _behind(world, one, traffic)
        if isinstance(behind, Blocked):
            return behind
        made += behind
    return _alone(made)


def _led_away(one: Front, further: list[Json]) -> Blocked | None:
    """A client alias of the Service's own name may take a port's number, but not from under a load balancer."""
    if all(port["port"] != one.port or port["targetPort"] == one.port for port in further):
        return None
    return unsupported(
        f"{one.field}.containerPort",
        f"a client alias of serviceConnectConfiguration leads port {one.port} of this Service's name elsewhere; "
        "give the alias another name or port",
    )


def _alone(made: list[Child]) -> list[Child] | Blocked:
    """Names of aliases, registries and balancers are core Services, and two of one name would replace each other."""
    seen = Counter(child.name for child in made if child.resource == CORE_SERVICE)
    name, times = next(iter(seen.most_common(1)), ("", 0))
    if times < 2:  # noqa: PLR2004  # alone
        return made
    return unsupported(
        "serviceConnectConfiguration",
        f"{name} is also the name of the registry or of a load balancer of this Service; name another",
    )


def _behind(world: World, one: Front, traffic: Traffic) -> list[Child] | Blocked:
    platform = world.settings.platform
    if one.kind.gateway is not None:
        return route.missing(one, platform, world.absent) or route.routes(world, one, targets(world, one, traffic))
    if isinstance(one.kind, ApplicationLoadBalancer):
        return ingress.missing(one, one.kind, platform) or [ingress.ingress(world, one, one.kind)]
    return [_balanced(world, one, one.kind.port, traffic.selector(world.name))]


def _balanced(world: World, one: Front, outside: int, selector: Json) -> Child:
    """A balancer of the cluster's own: a core Service of that type, over the tasks of all providers."""
    platform = world.settings.platform.network.load_balancers
    metadata: Json = {
        "labels": names.service_labels(world.name),
        **({"annotations": platform.annotations} if platform.annotations else {}),
    }
    port = {"name": "balanced", "port": outside, "protocol": one.protocol, "targetPort": one.port}
    spec: Json = {"type": "LoadBalancer", "selector": selector, "ports": [port]}
    if platform.load_balancer_class:
        spec["loadBalancerClass"] = platform.load_balancer_class
    return Child(CORE_SERVICE, one.name, {"metadata": metadata, "spec": spec})


def _said(part: Any) -> Any:
    if isinstance(part, Shape):
        return part.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    return [_said(one) for one in part]
