"""How a field of the API is described: bounds, list keys, and rules that API server and operator both hold to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule between fields, said twice on purpose: CEL for the API server, Python for objects older than the rule."""

    cel: str
    message: str
    holds: Callable[[Any], bool]
    field: str = ""
    """The JSON path that the API server names in its refusal, like `.weight`."""


class Shape(BaseModel):
    """An object inside a spec or a status: ECS's names in camelCase outside, Python's inside."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        # The API server refuses or prunes what it does not know; what a newer release stored must still be read.
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        for rule in self.rules:
            if not rule.holds(self):
                raise ValueError(rule.message)
        return self


def list_map(*keys: str) -> Any:
    """A list whose items are found by these keys (in the API's names), each required or defaulted."""
    return Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


def list_set() -> Any:
    """A list in which no value stands twice."""
    return Field(json_schema_extra={"x-kubernetes-list-type": "set"})
