"""The leaves of an input, counted by a way of its own: not by the importer's."""

from collections.abc import Iterator
from typing import Any, cast


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Each single value, null, and empty object or list, as ECS's JSON names it: containerDefinitions[0].name."""
    if isinstance(value, dict) and value:
        for key, member in cast("dict[str, Any]", value).items():
            yield from paths(member, f"{at}.{key}" if at else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(cast("list[Any]", value)):
            yield from paths(item, f"{at}[{index}]")
    else:
        yield at


def unaccounted(value: Any, reported: list[str]) -> list[str]:
    """Leaves that are not told once, by a row of their own or of what they belong to; and rows that tell of nothing."""
    given = list(paths(value))
    wrong = [f"{sum(_holds(row, path) for row in reported)} rows tell of {path}" for path in given
             if sum(_holds(row, path) for row in reported) != 1]  # fmt: skip
    return wrong + [f"{row} is nowhere" for row in reported if not any(_holds(row, path) for path in given)]


def _holds(row: str, path: str) -> bool:
    return path == row or (path.startswith(row) and path[len(row)] in ".[")
