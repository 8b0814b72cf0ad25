"""Placement: on which of the nodes tasks run, in ECS's words."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape

Expression = Annotated[str, Field(min_length=1, max_length=2000)]
ON_NODES = ("instanceId", "host")
PACKED = ("cpu", "memory", "CPU", "MEMORY")
FIELD = "^(|instanceId|host|cpu|memory|CPU|MEMORY|attribute:[A-Za-z0-9._/-]+)$"


class PlacementConstraint(Shape):
    """A rule about nodes that each task of the definition keeps to."""

    type: Literal["memberOf"]
    """memberOf: nodes that the expression selects."""
    expression: Expression
    """An expression in ECS's cluster query language, such as `attribute:ecs.instance-type == m5.large`."""


class ServicePlacementConstraint(Shape):
    """A rule about nodes that each task of the Service keeps to."""

    type: Literal["distinctInstance", "memberOf"]
    """distinctInstance: no two tasks of the Service on one node. memberOf: nodes that the expression selects."""
    expression: Expression | None = None
    """With memberOf: an expression in ECS's cluster query language."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.expression) == (self.type == 'memberOf')",
            message="memberOf needs an expression, and distinctInstance takes none",
            holds=lambda self: (self.expression is not None) == (self.type == "memberOf"),
        ),
    )


class PlacementStrategy(Shape):
    """A preference between the nodes that fit; earlier rules come before later ones."""

    type: Literal["random", "spread", "binpack"]
    """spread: evenly over the field. binpack: on as few nodes as possible. random: wherever there is room."""
    field: Annotated[str, Field(pattern=FIELD, max_length=255)] = ""
    """With spread: instanceId, host or attribute:NAME (attribute:ecs.availability-zone); with binpack: cpu, memory."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=(
                "self.type == 'random' ? self.field == '' : self.type == 'binpack' ? "
                "self.field in ['cpu', 'memory', 'CPU', 'MEMORY'] "
                ": self.field in ['instanceId', 'host'] || self.field.startsWith('attribute:')"
            ),
            message="field is instanceId, host or attribute:NAME with spread, cpu or memory with binpack, and left out "
            "with random",
            holds=lambda self: _field_fits(self.type, self.field),
        ),
    )


def _field_fits(kind: str, field: str) -> bool:
    if kind == "random":
        return not field
    return field in PACKED if kind == "binpack" else field in ON_NODES or field.startswith("attribute:")
