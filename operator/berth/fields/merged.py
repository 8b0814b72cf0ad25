"""What the plan says of a field, over what the data files say: the registry beside the plan is nearer to the truth."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from berth.api.task_definition import TaskDefinitionSpec
from berth.fields.field import Field, Verdict
from berth.gen.schema import Schema, structural
from berth.plan.translation import Translation
from berth.plan.translations import TASK_DEFINITION

VERDICTS: dict[str, Verdict] = {"Exact": "exact", "Close": "close", "LeftOut": "ignored", "Refused": "refused"}
ORDER = ("Refused", "Close", "LeftOut", "Exact")


def merged(field: Field) -> Field:
    """The field of RegisterTaskDefinition as the registry tells it; unchanged where it says nothing."""
    rows = nearest_rows(field.path)
    if not rows:
        return field
    # A field that is refused for some values only is told by what becomes of the others.
    told = [row for row in rows if row.verdict != "Refused"] or rows
    row = min(told, key=lambda one: ORDER.index(one.verdict))
    if field.path not in modelled() and row.verdict not in {"LeftOut", "Refused"}:
        return field
    default = () if field.path in modelled() and row.verdict != "Refused" else field.default
    return replace(
        field,
        verdict=VERDICTS[row.verdict],
        becomes="" if row.verdict in {"LeftOut", "Refused"} else row.becomes,
        note=note_of(row, field.note),
        default=default,
    )


def note_of(row: Translation, otherwise: str) -> str:
    """The registry's words as a sentence; an exact row needs none, unless the data file still denies the field."""
    if row.message:
        return f"{row.message[:1].upper()}{row.message[1:]}."
    denied = "not there yet" in otherwise or not otherwise
    return "It means here what it means in ECS." if denied else otherwise


def nearest_rows(path: str) -> tuple[Translation, ...]:
    """The rows of a field or of the smallest one around it; a container's rows hold for what the models have of it."""
    at = path
    while at:
        found = tuple(row for row in TASK_DEFINITION if row.field.removesuffix("[]") == at)
        if found:
            return found
        at = at.rpartition(".")[0].removesuffix("[]")
        if at in {"containerDefinitions", "volumes"} and path not in modelled():
            return ()
    return ()


@cache
def modelled() -> frozenset[str]:
    """Every path that a TaskDefinition has here."""
    return frozenset(_paths(structural(TaskDefinitionSpec), ""))


def _paths(schema: Schema, at: str) -> Iterator[str]:
    members: dict[str, Any] = schema.get("properties", {})
    for name, node in members.items():
        path = f"{at}.{name}" if at else name
        yield path
        yield from _paths(node, path)
        yield from _paths(node.get("items", {}), f"{path}[]")
