"""Deployment lifecycle hooks: a task that runs once at a stage of a deployment, which goes on only if it succeeds."""

from typing import Annotated, Literal

from pydantic import Field

from berth.api.schema import Shape, list_map, list_set

HOOK_NAME = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
TASK_DEFINITION = "^[a-z]([-a-z0-9]*[a-z0-9])?(:[1-9][0-9]{0,8})?$"
MOST_HOOKS = 10

Stage = Literal["PRE_SCALE_UP", "POST_SCALE_UP"]


class HookVariable(Shape):
    """One environment variable."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Its name."""
    value: Annotated[str, Field(max_length=32768)] = ""
    """Its value."""


class ContainerOverride(Shape):
    """What a container of the hook's task does otherwise than its definition says."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    """The container, as the task definition names it."""
    command: Annotated[list[Annotated[str, Field(max_length=32768)]], Field(max_length=100)] | None = None
    """The command, in place of the definition's."""
    environment: Annotated[list[HookVariable], Field(max_length=100), list_map("name")] = Field(
        default_factory=list[HookVariable]
    )
    """Variables, added to the definition's and before them."""


class TaskOverride(Shape):
    """RunTask's overrides, as far as a hook needs them."""

    container_overrides: Annotated[list[ContainerOverride], Field(max_length=10), list_map("name")] = Field(
        default_factory=list[ContainerOverride]
    )
    """By container."""


class HookTimeout(Shape):
    """How long a hook may take."""

    timeout_in_minutes: Annotated[int, Field(ge=1, le=20160)] = 1440
    """After so many minutes its task is stopped."""
    action: Literal["ROLLBACK", "CONTINUE"] = "ROLLBACK"
    """What then becomes of the deployment: it fails and is rolled back, or it goes on."""


class DeploymentLifecycleHook(Shape):
    """A task that runs once at a stage of each deployment, before the deployment goes on."""

    name: Annotated[str, Field(pattern=HOOK_NAME, max_length=32)]
    """What the hook is called in the status and in the name of its Job."""
    lifecycle_stages: Annotated[list[Stage], Field(min_length=1, max_length=2), list_set()]
    """When it runs. PRE_SCALE_UP: before the first task of the new deployment starts. POST_SCALE_UP: when all of them are healthy, before the deployment completes."""  # noqa: E501
    task_definition: Annotated[str, Field(pattern=TASK_DEFINITION, max_length=63)] | None = None
    """The TaskDefinition to run, `migrate` or `migrate:7`; left out, the very revision that is being deployed."""
    overrides: TaskOverride = TaskOverride()
    """What its containers do otherwise, as in RunTask: the command of a migration, say."""
    timeout_configuration: HookTimeout = HookTimeout()
    """How long it may take, and what then becomes of the deployment."""
