"""secrets, environmentFiles and repositoryCredentials: what a task is given that its definition does not say."""

from typing import Annotated

from pydantic import Field

from berth.api.schema import Shape


class Secret(Shape):
    """A secret in an environment variable. It is read when a container starts: a new value needs a new task."""

    name: Annotated[str, Field(pattern="^[-._a-zA-Z0-9]+$", max_length=128)]
    """The variable's name."""
    value_from: Annotated[str, Field(min_length=1, max_length=2048)]
    """`secret:NAME/KEY` for a Kubernetes Secret of the namespace; the ARN of a Secrets Manager secret, with `:json-key:version-stage:version-id` where wanted; or the ARN or name of an SSM parameter."""  # noqa: E501


class EnvironmentFile(Shape):
    """A file of environment variables; `environment` wins over it."""

    value: Annotated[str, Field(min_length=1, max_length=2048)]
    """The ARN of an object in S3; the platform says which ConfigMap or Secret holds it here."""
    type: Annotated[str, Field(pattern="^s3$", max_length=8)] = "s3"
    """s3 is what there is."""


class RepositoryCredentials(Shape):
    """Credentials for the image's registry."""

    credentials_parameter: Annotated[str, Field(min_length=1, max_length=2048)]
    """`secret:NAME` for a pull secret of the namespace, or the ARN or name of a Secrets Manager secret with username and password."""  # noqa: E501
