"""serviceRegistries: a name in DNS that answers with every task of a Service."""

from typing import Annotated, ClassVar

from pydantic import Field

from berth.api.schema import Rule, Shape


class ServiceRegistry(Shape):
    """A name whose addresses are the tasks' own, with SRV records for their ports."""

    registry_arn: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """A service of Cloud Map; the platform says its name here. Left out, it is the Service's name with -tasks."""
    container_name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """The container whose port is in SRV records; all ports, without any."""
    container_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The container's port."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """In place of both, a port of the task."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.containerName) == has(self.containerPort)",
            message="containerName and containerPort belong together",
            holds=lambda self: (self.container_name is None) == (self.container_port is None),
        ),
        Rule(
            cel="!has(self.port) || !has(self.containerPort)",
            message="port and containerPort exclude each other: keep one of them",
            holds=lambda self: self.port is None or self.container_port is None,
            field=".port",
        ),
    )
