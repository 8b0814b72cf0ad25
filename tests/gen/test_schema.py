"""Every row of the table of translations in docs/architecture.md, and that everything else raises."""

import re
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Discriminator, Field

from berth.api.schema import Rule, Shape, list_map, list_set
from berth.gen.schema import Schema, UntranslatableError, structural

AtLeastOne = Annotated[int, Field(ge=1)] | None
Size = Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern="^[0-9]+$", max_length=4)] | None
NOTHING: Schema = {}


class Inner(Shape):
    """An inner object."""

    name: str
    """Its name."""


class Other(Shape):
    """Another inner object."""

    kind: Literal["other"]
    """Its kind."""


class Kinded(Shape):
    """An inner object with a kind."""

    kind: Literal["kinded"]
    """Its kind."""


class Recursive(Shape):
    """Holds itself."""

    inner: "Recursive | None" = None
    """Itself."""


def field(annotation: Any, default: Any = ...) -> Schema:
    """The schema of one field."""
    members = {"__annotations__": {"it": annotation}, "__module__": __name__, "__doc__": "A shape."}
    info = Field(description="A field.") if default is ... else Field(default, description="A field.")
    shape = type("One", (Shape,), {**members, "it": info})
    schema: Schema = structural(shape)["properties"]["it"]
    assert schema.pop("description") == "A field."
    return schema


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        pytest.param(
            Inner,
            ...,
            {"type": "object", "properties": {"name": {"type": "string", "description": "Its name."}}}
            | {"required": ["name"]},
            id="$ref is inlined, the field's own description wins",
        ),
        pytest.param(str | None, None, {"type": "string"}, id="anyOf with null is X, its null default dropped"),
        pytest.param(AtLeastOne, 5, {"type": "integer", "minimum": 1, "default": 5}, id="a default stays"),
        pytest.param(int | str, ..., {"x-kubernetes-int-or-string": True}, id="int or str has no type"),
        pytest.param(
            Size,
            None,
            {"x-kubernetes-int-or-string": True, "minimum": 1, "pattern": "^[0-9]+$", "maxLength": 4},
            id="int or str keeps the bounds of both",
        ),
        pytest.param(Literal["x"], ..., {"type": "string", "enum": ["x"]}, id="const is an enum of one"),
        pytest.param(Literal["x", "y"], ..., {"type": "string", "enum": ["x", "y"]}, id="an enum stays"),
        pytest.param(
            Annotated[int, Field(gt=0, lt=9)],
            ...,
            {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True},
            id="numeric exclusive bounds are a bound and a flag",
        ),
        pytest.param(set[str], ..., {"type": "array", "items": {"type": "string"}} | {"x-kubernetes-list-type": "set"}),
        pytest.param(
            Annotated[list[str], list_set()],
            ...,
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            id="list_set",
        ),
        pytest.param(
            Annotated[list[Inner], list_map("name")],
            ...,
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "description": "An inner object.",
                    "properties": {"name": {"type": "string", "description": "Its name."}},
                    "required": ["name"],
                },
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            id="list_map",
        ),
        pytest.param(
            Annotated[str, Field(json_schema_extra={"format": "date-time"})],
            ...,
            {"type": "string", "format": "date-time"},
            id="a format that the API server knows",
        ),
        pytest.param(
            dict[Annotated[str, Field(max_length=9, pattern="^a+$")], int],
            ...,
            {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "x-kubernetes-validations": [
                    {
                        "rule": "self.all(key, key.matches('^a+$'))",
                        "message": "a key is out of bounds (pattern ^a+$)",
                    },
                    {"rule": "self.all(key, key.size() <= 9)", "message": "a key is out of bounds (maxLength 9)"},
                ],
            },
            id="bounds on a map's keys are a rule",
        ),
    ],
)
def test_translation(annotation: Any, default: Any, expected: Schema) -> None:
    assert field(annotation, default) == expected


@pytest.mark.parametrize(
    ("annotation", "default", "problem"),
    [
        pytest.param(int | Inner, ..., ".it: anyOf:", id="anyOf of two shapes"),
        pytest.param(int | str | bool, ..., ".it: anyOf:", id="anyOf of three"),
        pytest.param(Annotated[Other | Kinded, Discriminator("kind")], ..., ".it: ", id="oneOf and discriminator"),
        pytest.param(tuple[int, str], ..., ".it: prefixItems", id="tuples"),
        pytest.param(Any, None, ".it: the default is null", id="null for something that is not optional"),
        pytest.param(Annotated[str, Field(json_schema_extra={"format": "idn-email"})], ..., "format", id="formats"),
        pytest.param(Annotated[str, Field(json_schema_extra={"if": {}})], ..., ".it: if: {}", id="unknown keywords"),
        pytest.param(
            Annotated[list[Shape], list_map("name")], ..., "the list's key name must be required", id="key of nothing"
        ),
        pytest.param(
            Annotated[Inner, Field(default=NOTHING)], ..., "the default lacks the required name", id="default {}"
        ),
        pytest.param(
            dict[Annotated[str, Field(json_schema_extra={"enum": ["a"]})], int], ..., "propertyNames: enum", id="keys"
        ),
    ],
)
def test_the_rest_raises(annotation: Any, default: Any, problem: str) -> None:
    with pytest.raises(UntranslatableError, match=re.escape(problem)):
        field(annotation, default)


def test_recursion_raises() -> None:
    with pytest.raises(UntranslatableError, match="Recursive contains itself"):
        structural(Recursive)


def test_a_field_without_a_docstring_raises() -> None:
    class Silent(Shape):
        """A shape."""

        inner: Inner

    with pytest.raises(UntranslatableError, match=r"\.inner: a field needs a docstring"):
        structural(Silent)


def test_additional_properties_false_is_dropped() -> None:
    class Closed(Shape, extra="forbid"):
        """A shape that takes nothing else."""

        name: str
        """A name."""

    assert structural(Closed) == {
        "type": "object",
        "description": "A shape that takes nothing else.",
        "properties": {"name": {"type": "string", "description": "A name."}},
        "required": ["name"],
    }


class Ruled(Shape):
    """A shape with rules."""

    at_most: int = 9
    """A bound."""
    inner: list[Inner] = Field(default_factory=list[Inner])
    """Objects."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("self.atMost < 10", "atMost must be below 10", lambda self: self.at_most < 10, field=".atMost"),
        Rule("self.inner.size() < self.atMost", "too many", lambda self: len(self.inner) < self.at_most),
    )


def test_rules_follow_their_class_wherever_it_is_used() -> None:
    rules = [
        {"rule": "self.atMost < 10", "message": "atMost must be below 10", "fieldPath": ".atMost"},
        {"rule": "self.inner.size() < self.atMost", "message": "too many"},
    ]
    assert structural(Ruled)["x-kubernetes-validations"] == rules
    assert field(list[Ruled])["items"]["x-kubernetes-validations"] == rules
    assert field(Ruled | None, None)["x-kubernetes-validations"] == rules


def test_defaults_from_a_factory_are_defaults_too() -> None:
    assert structural(Ruled)["properties"]["inner"]["default"] == []


def test_a_default_object_names_no_nulls() -> None:
    class Optional(Shape):
        """A shape."""

        name: str | None = None
        """A name."""
        count: int = 3
        """A count."""

    assert field(Optional, Optional())["default"] == {"count": 3}
