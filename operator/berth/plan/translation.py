"""What becomes of one field of ECS on Kubernetes, as data: statuses, the importer and documents read the same rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from berth.plan.outcome import Json

Verdict = Literal["Exact", "Close", "LeftOut", "Refused"]

PLACEHOLDERS: tuple[Any, ...] = (None, "", False, [], {})
"""Values that ask for nothing: whatever becomes of the field, they lose nothing."""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a value, as ECS's JSON: some verdicts depend on it."""

    task: Json
    container: Json
    """The container that the value belongs to; empty for a field of the task."""
    features: frozenset[str] = frozenset()
    """What the cluster can do beyond what every cluster can."""


When = Callable[[Any, Around], bool]


def given(value: Any, _: Around) -> bool:
    """The field asks for something."""
    return value not in PLACEHOLDERS


@dataclass(frozen=True, slots=True)
class Translation:
    """One row: the first that applies to a value says what becomes of it."""

    field: str
    """The path in RegisterTaskDefinition, `containerDefinitions[].ulimits`; fields below without a row share it."""
    verdict: Verdict
    becomes: str
    """What it is on Kubernetes, in Kubernetes' words."""
    message: str = ""
    """One sentence for the user: what differs, or why it is refused and what to do instead."""
    when: When = given


def values(task: Json, field: str) -> Iterator[tuple[str, Any, Json]]:
    """Each value of a field in a definition, with its path (`containerDefinitions[0].cpu`) and its container."""
    yield from _walk(task, field.split("."), "", {})


def _walk(node: Any, parts: list[str], path: str, container: Json) -> Iterator[tuple[str, Any, Json]]:
    if not parts:
        yield path, node, container
        return
    name, many = parts[0].removesuffix("[]"), parts[0].endswith("[]")
    if not isinstance(node, dict) or name not in node:
        return
    below = cast("Json", node)[name]
    here = f"{path}.{name}" if path else name
    if not many:
        yield from _walk(below, parts[1:], here, container)
    elif _is_list(below):
        for index, item in enumerate(below):
            inside = cast("Json", item) if name == "containerDefinitions" and isinstance(item, dict) else container
            yield from _walk(item, parts[1:], f"{here}[{index}]", inside)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
