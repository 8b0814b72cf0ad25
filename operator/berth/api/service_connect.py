"""serviceConnectConfiguration: the names by which other tasks reach a Service."""

from typing import Annotated

from pydantic import Field

from berth.api.schema import Shape

NAME = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
DNS_NAME = "^[a-z]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


class ClientAlias(Shape):
    """A name and a port for clients."""

    port: Annotated[int, Field(ge=1, le=65535)]
    """The port that clients use."""
    dns_name: Annotated[str, Field(pattern=DNS_NAME, max_length=127)] | None = None
    """The name that clients use: NAME, or NAME.NAMESPACE of the own namespace. Left out, the discoveryName."""


class ServiceConnectService(Shape):
    """A port of the task definition that others may use."""

    port_name: Annotated[str, Field(min_length=1, max_length=64)]
    """The name of one of the portMappings."""
    discovery_name: Annotated[str, Field(pattern=NAME, max_length=63)] | None = None
    """The name of this endpoint; left out, the portName."""
    client_aliases: Annotated[list[ClientAlias], Field(max_length=1)] = Field(default_factory=list[ClientAlias])
    """How clients call it; without one, by the discoveryName and the container's port."""


class ServiceConnectConfiguration(Shape):
    """Names in the cluster's DNS; no proxy stands before a task."""

    enabled: bool
    """False is the same as nothing."""
    namespace: Annotated[str, Field(max_length=1024)] | None = None
    """Accepted without effect: names are in the Service's own Kubernetes namespace."""
    services: Annotated[list[ServiceConnectService], Field(max_length=16)] = Field(
        default_factory=list[ServiceConnectService]
    )
    """What the Service offers; nothing for one that only calls others."""
