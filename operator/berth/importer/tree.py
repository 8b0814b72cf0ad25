"""The result while it grows and shrinks: places keep their index, and what is left out is only marked."""

from collections.abc import Iterator
from typing import Any, cast

from berth.importer.report import Location
from berth.importer.shapes import is_list, is_object

GONE: Any = object()


def without(tree: Any, excluded: set[Location], at: Location = ()) -> Any:
    """The value without the excluded places and without what is empty because of them; GONE when nothing is left."""
    if at in excluded:
        return GONE
    if is_object(tree):
        members = {key: without(value, excluded, (*at, key)) for key, value in tree.items()}
        kept = {key: value for key, value in members.items() if value is not GONE}
        return kept or GONE
    if is_list(tree):
        items = [without(value, excluded, (*at, index)) for index, value in enumerate(tree)]
        left = [value for value in items if value is not GONE]
        return left or GONE
    return tree


def original(whole: Any, excluded: set[Location], place: Location) -> Location:
    """Where a place of the shrunken value stands in the whole one; parts that lead nowhere are cut off."""
    at: Location = ()
    tree: Any = whole
    for part in place:
        if is_list(tree) and isinstance(part, int):
            items = tree
            kept = [index for index, one in enumerate(items) if without(one, excluded, (*at, index)) is not GONE]
            if part >= len(kept):
                return at
            step: str | int = kept[part]
            tree = items[kept[part]]
        elif is_object(tree) and part in tree:
            step, tree = part, tree[part]
        else:
            return at
        at = (*at, step)
    return at


def value_at(value: Any, place: Location) -> Any:
    for part in place:
        value = value[part]
    return value


def _container(part: str | int | None) -> Any:
    return [] if isinstance(part, int) else {}


def put(tree: dict[str, Any], place: Location, value: Any) -> None:
    """Sets a place, making what leads there; holes in lists are filled with nothing."""
    node: Any = tree
    for part, following in zip(place, (*place[1:], None), strict=True):
        last = following is None
        new: Any = value if last else _container(following)
        if is_list(node):
            items = node
            index = cast("int", part)
            items.extend({} for _ in range(index + 1 - len(items)))
            if last or items[index] == {}:
                items[index] = new
            node = items[index]
        else:
            node[part] = value if last else node.get(part, new)
            node = node[part]


def leaves(value: Any, at: Location = ()) -> Iterator[Location]:
    """Every place that holds a single value, or an empty object or list."""
    if is_object(value) and value:
        for key, member in value.items():
            yield from leaves(member, (*at, key))
    elif is_list(value) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*at, index))
    else:
        yield at
