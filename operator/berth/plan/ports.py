"""portMappings: what a container opens, what the Service's address leads to, and what cannot be side by side."""

from berth import names
from berth.api.container import ContainerDefinition
from berth.api.port import PortMapping
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.outcome import Blocked, Json
from berth.plan.translation import Around, Translation

PORT = "containerDefinitions[].portMappings[]"
# In Kubernetes' words; both of the last are HTTP/2 without TLS.
APP_PROTOCOLS = {"http": "http", "http2": "kubernetes.io/h2c", "grpc": "kubernetes.io/h2c"}


def _chosen(value: object, around: Around) -> bool:
    """On ECS a port of the instance is chosen for it."""
    return not value and around.task.get("networkMode") == "bridge"


def _unsaid(value: object, around: Around) -> bool:
    """On ECS the mode is bridge when nobody says it; here it is awsvpc."""
    fargate = "FARGATE" in (around.task.get("requiresCompatibilities") or ())
    return bool(value) and not around.task.get("networkMode") and not fargate


def _given(value: object, around: Around) -> bool:
    return bool(value) and not _unsaid(value, around)


TRANSLATIONS = (
    Translation(
        f"{PORT}.hostPort",
        "Close",
        "nothing",
        "no port of the node is chosen: the Service's address leads to containerPort at each task's own address",
        when=_chosen,
    ),
    Translation(
        f"{PORT}.hostPort",
        "Close",
        "nothing without networkMode bridge",
        "no port of the node is opened, because networkMode is awsvpc when nobody says it, and bridge on ECS; "
        "say networkMode bridge to open it, where the platform allows that",
        when=_unsaid,
    ),
    Translation(
        f"{PORT}.hostPort",
        "Exact",
        "hostPort with networkMode bridge, where the platform allows it; otherwise nothing, as in awsvpc mode",
        when=_given,
    ),
    Translation(
        f"{PORT}.containerPortRange",
        "Close",
        "nothing: a pod's ports are open",
        "the ports are open at each task's own address; the Service's address has none of them, "
        "and no ports of the node are chosen",
    ),
)


def of_the_container(definition: ContainerDefinition, network_mode: str) -> list[Json]:
    """A container's ports. Ranges need no entry: an entry opens nothing but a port of the node."""
    return [
        _port(mapping.container_port, mapping, network_mode)
        for mapping in definition.port_mappings
        if mapping.container_port is not None
    ]


def of_the_address(spec: TaskDefinitionSpec) -> list[Json]:
    """The ports of the Service's address: each mapped port once."""
    found: dict[tuple[int, str], Json] = {}
    for definition in spec.container_definitions:
        for mapping in definition.port_mappings:
            if mapping.container_port is None:
                continue
            protocol = mapping.protocol.upper()
            name = mapping.name or f"{definition.name}-{mapping.container_port}-{mapping.protocol}"
            port: Json = {
                "name": names.dns_label(name),
                "port": mapping.container_port,
                "protocol": protocol,
                "targetPort": mapping.container_port,
                **({"appProtocol": APP_PROTOCOLS[mapping.app_protocol]} if mapping.app_protocol else {}),
            }
            found.setdefault((mapping.container_port, protocol), port)
    return list(found.values())


def refused(spec: TaskDefinitionSpec) -> Blocked | None:
    """Containers of a task share one address, so nobody else of them can have a port."""
    taken: list[tuple[str, PortMapping]] = []
    for one in spec.container_definitions:
        for port in one.port_mappings:
            for holder, other in taken:
                if port.protocol == other.protocol and port.first <= other.last and other.first <= port.last:
                    return _clash((holder, other), (one.name, port))
            taken.append((one.name, port))
    return None


def _clash(first: tuple[str, PortMapping], second: tuple[str, PortMapping]) -> Blocked:
    (holder, other), (name, port) = first, second
    if holder == name:
        message = f"container {name} maps {_shown(other)} and {_shown(port)}, which overlap; keep each port once"
    else:
        # The ports that both have.
        low, high = max(port.first, other.first), min(port.last, other.last)
        both = f"{low}/{port.protocol}" if low == high else f"{low}-{high}/{port.protocol}"
        message = (
            f"containers {holder} and {name} both listen on {both}, and containers of a task share one address; "
            "give one of them another port"
        )
    return Blocked("ContainersClash", f"portMappings: {message}", stalled=True)


def _shown(port: PortMapping) -> str:
    return f"{port.container_port or port.container_port_range}/{port.protocol}"


def _port(number: int, mapping: PortMapping, network_mode: str) -> Json:
    made: Json = {"containerPort": number}
    if network_mode == "host":
        # The API server would fill it in.
        made["hostPort"] = number
    elif network_mode == "bridge" and mapping.host_port:
        made["hostPort"] = mapping.host_port
    return {**made, "protocol": mapping.protocol.upper()}
