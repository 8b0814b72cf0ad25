"""serviceRegistries: a headless Service, whose name answers with every ready task and its ports."""

from berth import names
from berth.adapters import Platform
from berth.api.service_registry import ServiceRegistry
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import unmapped, unsupported
from berth.plan.world import World
from berth.resources import CORE_SERVICE

FIELD = "serviceRegistries[0]"


def registries_of(deployment: Deployment) -> tuple[ServiceRegistry, ...]:
    """What a deployment was started with."""
    return tuple(ServiceRegistry.model_validate(one) for one in deployment.inputs.get("serviceRegistries", ()))


def registered(world: World, deployment: Deployment, selector: Json) -> list[Child] | Blocked:
    """One headless Service; a registry of the Service's own name is its address, which has SRV records, too."""
    made: list[Child] = []
    for registry in registries_of(deployment):
        name = _name(world.name, registry, world.settings.platform)
        if isinstance(name, Blocked):
            return name
        ports = _ports(registry, deployment.ports)
        if isinstance(ports, Blocked):
            return ports
        if name != world.name:
            made.append(_headless(world, name, ports, selector))
    return made


def _name(service: str, registry: ServiceRegistry, platform: Platform) -> str | Blocked:
    arn = registry.registry_arn
    if arn is None:
        return names.joined(service, "tasks")
    known = platform.network.service_registries.get(arn)
    line = f'network.serviceRegistries."{arn}": NAME'
    return known or unmapped(f"{FIELD}.registryArn", f"nothing says what {arn} is here", line)


def _ports(registry: ServiceRegistry, ports: list[Json]) -> list[Json] | Blocked:
    wanted = registry.container_port or registry.port
    if wanted is None:
        return ports
    found = [one for one in ports if one["targetPort"] == wanted]
    field = "containerPort" if registry.container_port else "port"
    return found or unsupported(f"{FIELD}.{field}", f"no container of the task definition maps the port {wanted}")


def _headless(world: World, name: str, ports: list[Json], selector: Json) -> Child:
    spec: Json = {"clusterIP": "None", "selector": selector}
    if ports:
        spec["ports"] = ports
    return Child(CORE_SERVICE, name, {"metadata": {"labels": names.service_labels(world.name)}, "spec": spec})
