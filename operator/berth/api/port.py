"""portMappings: the ports that a container listens on."""

from collections import Counter
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape

RANGE = "^[1-9][0-9]{0,4}-[1-9][0-9]{0,4}$"
HIGHEST = 65535


class PortMapping(Shape):
    """A port that a container listens on, or a range of ports."""

    container_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The port inside the container."""
    container_port_range: Annotated[str, Field(pattern=RANGE, max_length=11)] | None = None
    """Ports inside the container, as 8000-8010, instead of containerPort. They are open at the task's own address; the Service's address has none of them."""  # noqa: E501
    host_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """A port of the node, with networkMode bridge; otherwise leave it out, or repeat containerPort."""
    protocol: Literal["tcp", "udp"] = "tcp"
    """tcp or udp."""
    name: Annotated[str, Field(pattern="^[a-z0-9_][a-z0-9_-]{0,63}$", max_length=64)] | None = None
    """A name for the port, by which other Services find it."""
    app_protocol: Literal["http", "http2", "grpc"] | None = None
    """What is spoken on the port: gateways and meshes that look at it speak so to the tasks."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.containerPort) != has(self.containerPortRange)",
            message="portMappings: name containerPort or containerPortRange, and not both",
            holds=lambda self: (self.container_port is None) != (self.container_port_range is None),
        ),
        Rule(
            cel="!has(self.containerPortRange) || self.hostPort == 0",
            message="hostPort: a containerPortRange has no port of the node; leave hostPort out",
            holds=lambda self: self.container_port_range is None or self.host_port == 0,
            field=".hostPort",
        ),
        Rule(
            # What is no range at all is refused by its pattern already.
            cel=(
                f"!has(self.containerPortRange) || !self.containerPortRange.matches('{RANGE}') || "
                "[self.containerPortRange.split('-')].all(r, "
                f"int(r[0]) < int(r[1]) && int(r[1]) <= {HIGHEST})"
            ),
            message=f"containerPortRange must lead from a lower port to a higher one, at most {HIGHEST}",
            holds=lambda self: self.container_port_range is None or self.first < self.last <= HIGHEST,
            field=".containerPortRange",
        ),
    )

    @property
    def first(self) -> int:
        """The lowest port."""
        return self.container_port or int((self.container_port_range or "").partition("-")[0])

    @property
    def last(self) -> int:
        """The highest port."""
        return self.container_port or int((self.container_port_range or "").partition("-")[2])


def _repeated(ports: list[PortMapping]) -> bool:
    counts = Counter((one.container_port, one.protocol) for one in ports if one.container_port is not None)
    return any(count > 1 for count in counts.values())


UNIQUE_PORTS = Rule(
    cel=(
        "self.portMappings.all(p, !has(p.containerPort) || self.portMappings.exists_one(q, "
        "has(q.containerPort) && q.containerPort == p.containerPort && q.protocol == p.protocol))"
    ),
    message="portMappings: one containerPort stands there twice with one protocol; keep one of them",
    holds=lambda self: not _repeated(self.port_mappings),
    field=".portMappings",
)
