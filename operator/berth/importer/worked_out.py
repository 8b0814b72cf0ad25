"""Values that a template's function made: their leaves stand elsewhere in the text than in the result."""

from collections.abc import Iterator
from typing import Any

from berth.importer.report import WHOLE, Location, joined
from berth.importer.shapes import is_list, is_object

Aside = tuple[tuple[str, str], ...]


class WorkedObject(dict[str, Any]):
    """An object that a function made. `at` is where its leaves stand below the function."""

    at: str = WHOLE
    aside: Aside = ()
    """What stands beside it and is not taken, and why."""


class WorkedList(list[Any]):
    """A list that a function made."""

    at: str = WHOLE
    aside: Aside = ()


Worked = WorkedObject | WorkedList


def worked(value: Any, at: str = WHOLE, aside: Aside = ()) -> Any:
    """Marks a value of several leaves; a single value belongs to its function as a whole."""
    made: Worked
    if is_object(value) and value:
        made = WorkedObject(value)
    elif is_list(value) and value:
        made = WorkedList(value)
    else:
        return value
    if isinstance(value, Worked):
        # A function in a branch of a function.
        at, aside = f"{at}{value.at}", (*aside, *((f"{at}{below}", why) for below, why in value.aside))
    made.at, made.aside = at, aside
    return made


def path_to(value: Any, path: str) -> str:
    """Where the leaves of a value start."""
    return f"{path}{value.at}" if isinstance(value, Worked) else path


def unmarked(value: Worked) -> dict[str, Any] | list[Any]:
    return dict(value) if isinstance(value, WorkedObject) else list(value)


def asides_of(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """What functions left aside, at any depth: the path, and why."""
    if isinstance(value, Worked):
        yield from ((f"{path}{at}", why) for at, why in value.aside)
        path = path_to(value, path)
    if is_object(value):
        for key, member in value.items():
            yield from asides_of(member, joined(path, key))
    elif is_list(value):
        for index, item in enumerate(value):
            yield from asides_of(item, joined(path, index))


def leaves_of(value: Any, path: str, at: Location = ()) -> Iterator[tuple[str, Location, Any]]:
    """The path and the place of every leaf, and the leaf."""
    path = path_to(value, path)
    if is_object(value) and value:
        for key, member in value.items():
            yield from leaves_of(member, joined(path, key), (*at, key))
    elif is_list(value) and value:
        for index, item in enumerate(value):
            yield from leaves_of(item, joined(path, index), (*at, index))
    else:
        yield path, at, value
