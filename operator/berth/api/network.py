"""networkConfiguration: what a Service says of the network of its tasks."""

from typing import Annotated, Literal

from pydantic import Field

from berth.api.schema import Shape

GroupId = Annotated[str, Field(min_length=1, max_length=255)]


class AwsVpcConfiguration(Shape):
    """Where tasks are in AWS's networks; here the cluster's own network decides."""

    subnets: Annotated[list[Annotated[str, Field(min_length=1, max_length=255)]], Field(max_length=16)] | None = None
    """Accepted without effect: tasks are where their capacity provider's nodes are."""
    security_groups: Annotated[list[GroupId], Field(max_length=5)] | None = None
    """The platform says what each of them is here: labels of tasks, or rules of a NetworkPolicy."""
    assign_public_ip: Literal["ENABLED", "DISABLED"] | None = None
    """Accepted without effect: tasks have no public address, and the cluster's network decides how they reach the world."""  # noqa: E501


class NetworkConfiguration(Shape):
    """The network of tasks."""

    awsvpc_configuration: AwsVpcConfiguration | None = None
    """Subnets and security groups."""
