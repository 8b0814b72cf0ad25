"""TaskDefinitionRevision: one immutable revision of a family, registered by the operator."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.condition import Condition
from berth.api.kind import AGE, Column, Kind
from berth.api.schema import Rule, Shape, list_map
from berth.api.task_definition import TaskDefinitionSpec


class TaskDefinitionRevisionSpec(TaskDefinitionSpec):
    """The content of a TaskDefinition at the time that it was registered."""

    task_definition: Annotated[str, Field(max_length=63)]
    """The TaskDefinition object that it was registered from."""
    revision: Annotated[int, Field(ge=1)]
    """The number within the family: 1 for the first, for ever upwards."""
    rules: ClassVar[tuple[Rule, ...]] = (
        *TaskDefinitionSpec.rules,
        Rule(
            cel="self == oldSelf",
            message="a revision is immutable: change the TaskDefinition, and the next revision is registered",
            holds=lambda _: True,
        ),
    )


class FieldTranslation(Shape):
    """A field that is otherwise on Kubernetes than on ECS."""

    field: Annotated[str, Field(max_length=1024)]
    """The field, as `containerDefinitions[0].essential`."""
    verdict: Literal["Close", "LeftOut"]
    """Close: honoured, with a difference. LeftOut: accepted, without effect."""
    message: Annotated[str, Field(max_length=1024)]
    """What the difference is."""


class TaskDefinitionRevisionStatus(Shape):
    """Whether new deployments may use it."""

    observed_generation: int | None = None
    """The generation of the spec that this status was computed for."""
    status: Literal["ACTIVE", "INACTIVE"] | None = None
    """ACTIVE, or INACTIVE once its TaskDefinition is deleted: Services that use it go on, new ones may not start with it."""  # noqa: E501
    translations: Annotated[list[FieldTranslation], list_map("field")] | None = None
    """What is otherwise than on ECS, or left out; a field that is not listed means what it means there."""
    conditions: Annotated[list[Condition], list_map("type")] | None = None
    """Ready."""


TASK_DEFINITION_REVISION = Kind(
    kind="TaskDefinitionRevision",
    plural="taskdefinitionrevisions",
    singular="taskdefinitionrevision",
    short_names=("tdrev",),
    description="One immutable revision of a task definition, named family:revision in ECS.",
    spec=TaskDefinitionRevisionSpec,
    status=TaskDefinitionRevisionStatus,
    columns=(
        Column("Family", "string", ".spec.family"),
        Column("Revision", "integer", ".spec.revision"),
        Column("Status", "string", ".status.status"),
        AGE,
    ),
)
