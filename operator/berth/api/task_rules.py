"""Rules between the containers of a task, and Fargate's own: each stands in CEL and in Python."""

from collections.abc import Iterator
from typing import Any

from berth.api.schema import Rule

FARGATE = "'FARGATE' in self.requiresCompatibilities"
ENDED = ("COMPLETE", "SUCCESS")
FARGATE_TIMEOUT = range(2, 121)


def _dependencies(spec: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Each container that waits, its dependency, and the container that it waits for."""
    by_name = {container.name: container for container in spec.container_definitions}
    for container in spec.container_definitions:
        for dependency in container.depends_on or ():
            yield container, dependency, by_name.get(dependency.container_name)


def _edges(test: str) -> str:
    """CEL over each dependency `d` of each container `c`."""
    return f"self.containerDefinitions.all(c, !has(c.dependsOn) || c.dependsOn.all(d, {test}))"


def _target(test: str) -> str:
    """CEL: the container that `d` names is like this."""
    return f"self.containerDefinitions.exists(o, o.name == d.containerName && ({test}))"


def _checked(container: Any) -> bool:
    return container.health_check is not None and container.health_check.command[0] != "NONE"


def _one_value(spec: Any, field: str) -> bool:
    values = [getattr(container, field) for container in spec.container_definitions]
    return len({str(value) for value in values if value is not None}) <= 1


def _same(field: str) -> str:
    """CEL: containers that name the field name the same."""
    return (
        f"self.containerDefinitions.all(c, !has(c.{field}) || "
        f"self.containerDefinitions.all(o, !has(o.{field}) || o.{field} == c.{field}))"
    )


def fargate_refuses(container: Any) -> bool:
    """What a container cannot have on Fargate."""
    linux = container.linux_parameters
    return bool(
        container.privileged
        or container.links
        or container.docker_security_options
        or container.resource_requirements
        or (linux and (linux.devices or linux.shared_memory_size is not None))
    )


def fargate_capabilities(container: Any) -> bool:
    linux = container.linux_parameters
    added = linux.capabilities.add if linux and linux.capabilities else None
    return set(added or ()) <= {"SYS_PTRACE"}


def fargate_timeouts(container: Any) -> bool:
    given = [one for one in (container.start_timeout, container.stop_timeout) if one is not None]
    return all(one in FARGATE_TIMEOUT for one in given)


NOT_ON_FARGATE = (
    "Fargate has no privileged, links, dockerSecurityOptions, resourceRequirements, "
    "linuxParameters.devices and linuxParameters.sharedMemorySize"
)
FARGATE_ADDS = "Fargate adds no capability but SYS_PTRACE"
FARGATE_WAITS = "startTimeout and stopTimeout are 2 to 120 seconds on Fargate"
FARGATE_PLACES = "placementConstraints: Fargate has no nodes to choose from; leave them out, or use EC2"
FARGATE_NAMESPACES = "pidMode is task or left out on Fargate, and ipcMode is left out"

BETWEEN_CONTAINERS = (
    Rule(
        cel=_edges(_target("true")),
        message="dependsOn: containerName must be the name of a container of the task",
        holds=lambda self: all(other is not None for _, _, other in _dependencies(self)),
    ),
    Rule(
        cel=_edges(f"!(d.condition in {list(ENDED)}) || !" + _target("o.essential")),
        message="dependsOn: COMPLETE and SUCCESS wait for a container to end, so it must not be essential",
        holds=lambda self: (
            not any(
                other is not None and other.essential and edge.condition in ENDED
                for _, edge, other in _dependencies(self)
            )
        ),
    ),
    Rule(
        cel=_edges(
            "d.condition != 'HEALTHY' || !"
            + _target("!has(o.healthCheck) || o.healthCheck.command.size() == 0 || o.healthCheck.command[0] == 'NONE'")
        ),
        message="dependsOn: HEALTHY needs a healthCheck in the container that is waited for",
        holds=lambda self: (
            not any(
                other is not None and edge.condition == "HEALTHY" and not _checked(other)
                for _, edge, other in _dependencies(self)
            )
        ),
    ),
    Rule(
        cel=_edges("d.condition != 'COMPLETE' || !" + _target("!has(o.entryPoint) || o.entryPoint.size() == 0")),
        message="dependsOn: COMPLETE needs the entryPoint of the container that is waited for, because a shell "
        "around it sets its exit code aside; name it, or wait for SUCCESS",
        holds=lambda self: (
            not any(
                other is not None and edge.condition == "COMPLETE" and not other.entry_point
                for _, edge, other in _dependencies(self)
            )
        ),
    ),
    Rule(
        cel=_same("hostname"),
        message="hostname: containers of a task share one host name; give them the same",
        holds=lambda self: _one_value(self, "hostname"),
    ),
    Rule(
        cel=_same("dnsServers"),
        message="dnsServers: containers of a task share their name servers; give them the same",
        holds=lambda self: _one_value(self, "dns_servers"),
    ),
    Rule(
        cel=(
            "self.networkMode == 'bridge' || self.containerDefinitions.all(c, c.portMappings.all(p, "
            "p.hostPort == 0 || (has(p.containerPort) && p.hostPort == p.containerPort)))"
        ),
        message="hostPort must be left out or equal containerPort, unless networkMode is bridge: "
        "tasks have addresses of their own",
        holds=lambda self: (
            self.network_mode == "bridge"
            or all(
                port.host_port in {0, port.container_port}
                for container in self.container_definitions
                for port in container.port_mappings
            )
        ),
    ),
    Rule(
        cel="self.networkMode != 'none' || self.containerDefinitions.all(c, c.portMappings.size() == 0)",
        message="portMappings: a task with networkMode none has no ports; take them away, or choose awsvpc",
        holds=lambda self: (
            self.network_mode != "none" or not any(one.port_mappings for one in self.container_definitions)
        ),
    ),
    Rule(
        cel=(
            "self.networkMode != 'host' || self.containerDefinitions.all(c, c.portMappings.all(p, "
            "!has(p.containerPortRange)))"
        ),
        message="containerPortRange is for networkMode awsvpc and bridge; with host all ports are the node's anyway",
        holds=lambda self: (
            self.network_mode != "host"
            or not any(port.container_port_range for one in self.container_definitions for port in one.port_mappings)
        ),
    ),
)

ON_FARGATE = (
    Rule(
        cel=(
            f"!({FARGATE}) || self.containerDefinitions.all(c, !(has(c.privileged) && c.privileged) && "
            "(!has(c.links) || c.links.size() == 0) && (!has(c.dockerSecurityOptions) || "
            "c.dockerSecurityOptions.size() == 0) && (!has(c.resourceRequirements) || "
            "c.resourceRequirements.size() == 0) && (!has(c.linuxParameters) || "
            "((!has(c.linuxParameters.devices) || c.linuxParameters.devices.size() == 0) && "
            "!has(c.linuxParameters.sharedMemorySize))))"
        ),
        message=NOT_ON_FARGATE,
        holds=lambda self: not _on_fargate(self) or not any(map(fargate_refuses, self.container_definitions)),
    ),
    Rule(
        cel=(
            f"!({FARGATE}) || self.containerDefinitions.all(c, !has(c.linuxParameters) || "
            "!has(c.linuxParameters.capabilities) || !has(c.linuxParameters.capabilities.add) || "
            "c.linuxParameters.capabilities.add.all(a, a == 'SYS_PTRACE'))"
        ),
        message=FARGATE_ADDS,
        holds=lambda self: not _on_fargate(self) or all(map(fargate_capabilities, self.container_definitions)),
    ),
    Rule(
        cel=(
            f"!({FARGATE}) || self.containerDefinitions.all(c, "
            "(!has(c.startTimeout) || (c.startTimeout >= 2 && c.startTimeout <= 120)) && "
            "(!has(c.stopTimeout) || (c.stopTimeout >= 2 && c.stopTimeout <= 120)))"
        ),
        message=FARGATE_WAITS,
        holds=lambda self: not _on_fargate(self) or all(map(fargate_timeouts, self.container_definitions)),
    ),
    Rule(
        cel=f"!({FARGATE}) || ((!has(self.pidMode) || self.pidMode == 'task') && !has(self.ipcMode))",
        message=FARGATE_NAMESPACES,
        holds=lambda self: not _on_fargate(self) or (self.pid_mode in {None, "task"} and self.ipc_mode is None),
    ),
    Rule(
        cel=f"!({FARGATE}) || !has(self.placementConstraints) || self.placementConstraints.size() == 0",
        message=FARGATE_PLACES,
        holds=lambda self: not _on_fargate(self) or not self.placement_constraints,
        field=".placementConstraints",
    ),
)


def _on_fargate(spec: Any) -> bool:
    return "FARGATE" in spec.requires_compatibilities
