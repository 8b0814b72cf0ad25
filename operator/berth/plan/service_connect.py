"""serviceConnectConfiguration: a core Service for each name by which others call this one."""

from collections.abc import Mapping
from dataclasses import dataclass

from berth import names
from berth.api.service_connect import ServiceConnectConfiguration, ServiceConnectService
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import unsupported
from berth.plan.world import World
from berth.resources import CORE_SERVICE

FIELD = "serviceConnectConfiguration.services"


@dataclass(frozen=True, slots=True)
class _Alias:
    """One name and port, and the port of the tasks that it leads to."""

    name: str
    port: int
    target: Json


def aliases(world: World, deployment: Deployment) -> dict[str, list[Json]] | Blocked:
    """The ports of each name."""
    given = deployment.inputs.get("serviceConnectConfiguration")
    configuration = ServiceConnectConfiguration.model_validate(given) if given else None
    found: dict[str, list[Json]] = {}
    if configuration is None or not configuration.enabled:
        return found
    for index, one in enumerate(configuration.services):
        alias = _alias(world, one, f"{FIELD}[{index}]", deployment.ports)
        if isinstance(alias, Blocked):
            return alias
        ports = found.setdefault(alias.name, [])
        if any(port["port"] == alias.port for port in ports):
            return unsupported(f"{FIELD}[{index}]", f"{alias.name}:{alias.port} stands there twice; name another")
        name = names.dns_label(f"{alias.target['name']}-{alias.port}")
        ports.append({**alias.target, "name": name, "port": alias.port})
    return found


def connected(world: World, found: Mapping[str, list[Json]], selector: Json) -> list[Child]:
    """A core Service for each name but the Service's own, which its address has."""
    return [
        Child(
            CORE_SERVICE,
            name,
            {
                "metadata": {"labels": names.service_labels(world.name)},
                "spec": {"selector": selector, "ports": ports},
            },
        )
        for name, ports in found.items()
        if name != world.name
    ]


def _alias(world: World, service: ServiceConnectService, field: str, ports: list[Json]) -> _Alias | Blocked:
    wanted = names.dns_label(service.port_name)
    target = next((one for one in ports if one["name"] == wanted), None)
    if target is None:
        return unsupported(f"{field}.portName", f"no portMapping of the task definition is named {service.port_name}")
    plain = service.discovery_name or wanted
    if not service.client_aliases:
        return _Alias(plain, int(target["port"]), target)
    alias = service.client_aliases[0]
    name, _, where = (alias.dns_name or plain).partition(".")
    here = world.namespace
    if where not in {"", here, f"{here}.svc", f"{here}.svc.cluster.local"}:
        return unsupported(
            f"{field}.clientAliases[0].dnsName",
            f"{alias.dns_name} is no name that the cluster's DNS can have; write {name}, or {name}.{here}",
        )
    return _Alias(name, alias.port, target)
