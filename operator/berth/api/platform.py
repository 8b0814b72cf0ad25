"""What a task as a whole asks of the machine under it."""

from typing import Annotated, Literal

from pydantic import Field

from berth.api.schema import Shape, list_map


class RuntimePlatform(Shape):
    """The nodes that a task can run on."""

    cpu_architecture: Literal["X86_64", "ARM64"] | None = None
    """X86_64 or ARM64."""
    operating_system_family: (
        Literal[
            "LINUX",
            "WINDOWS_SERVER_2019_CORE",
            "WINDOWS_SERVER_2019_FULL",
            "WINDOWS_SERVER_2022_CORE",
            "WINDOWS_SERVER_2022_FULL",
            "WINDOWS_SERVER_2025_CORE",
            "WINDOWS_SERVER_2025_FULL",
        ]
        | None
    ) = None
    """LINUX, or a release of Windows Server that Kubernetes supports; CORE and FULL are the same here."""


class EphemeralStorage(Shape):
    """Room on the node's disk."""

    size_in_gi_b: Annotated[int, Field(ge=21, le=200, alias="sizeInGiB")]
    """GiB that the task's containers may write; beyond it the task is evicted."""


class Tag(Shape):
    """A tag, kept as it is."""

    key: Annotated[str, Field(min_length=1, max_length=128)]
    """The key."""
    value: Annotated[str, Field(max_length=256)] = ""
    """The value."""


class InferenceAccelerator(Shape):
    """Refused: Elastic Inference is no more."""

    device_name: Annotated[str, Field(max_length=255)]
    """The device's name."""
    device_type: Annotated[str, Field(max_length=255)]
    """The device's type."""


class TrustedExecutionConfiguration(Shape):
    """How far a task is kept apart from others on its node."""

    isolation_mode: Literal["SHARED", "ISOLATED_SANDBOX", "CONFIDENTIAL_SANDBOX"] = "SHARED"
    """SHARED; sandboxes are refused."""
    attestation_policy: Annotated[str, Field(max_length=4096)] | None = None
    """Refused: nothing attests."""

    @property
    def shared(self) -> bool:
        """What every task has."""
        return self.isolation_mode == "SHARED" and self.attestation_policy is None


class KeyValue(Shape):
    """A property."""

    name: Annotated[str, Field(max_length=256)] = ""
    """Its name."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value."""


class ProxyConfiguration(Shape):
    """Refused: App Mesh is no more."""

    type: Annotated[str, Field(max_length=64)] | None = None
    """APPMESH."""
    container_name: Annotated[str, Field(max_length=255)]
    """The proxy."""
    properties: Annotated[list[KeyValue], Field(max_length=64), list_map("name")] | None = None
    """The proxy's properties."""
