"""Server-side apply's arithmetic: which fields an object has, merging, taking away, and `managedFields`."""

from typing import Any, cast

import orjson

from berth.plan.outcome import Json
from faults.shapes import Shape
from faults.values import is_list, is_map

Path = tuple[str, ...]
"""Steps as `managedFields` writes them: `f:name`, `k:{"name":"web"}`, `v:"x"`."""
Leaves = dict[Path, Any]

NAMING = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
_MISSING: Any = object()
_INSIDE: Any = ("inside",)
"""The value of a place that is owned beside what is inside it."""


def applied(body: Json) -> Json:
    """A manifest without what no manager ever owns."""
    metadata: Json = body.get("metadata") or {}
    kept = {name: value for name, value in metadata.items() if name not in NAMING}
    rest = {name: value for name, value in body.items() if name not in {"apiVersion", "kind", "metadata"}}
    return {**rest, **({"metadata": kept} if kept else {})}


def leaves(value: Any, shape: Shape) -> Leaves:
    """Every place that an applier of this value owns, and what it holds there."""
    found: Leaves = {}
    _gather(found, value, shape, ())
    return found


def _gather(found: Leaves, value: Any, shape: Shape, path: Path) -> None:
    if is_map(value) and not shape.atomic:
        for name, inner in value.items():
            step = (*path, f"f:{name}")
            if inner in (None, {}):
                found[step] = inner
                continue
            if shape.open and is_map(inner):
                found[step] = _INSIDE
            _gather(found, inner, shape.at(name), step)
    elif is_list(value) and (shape.keys or shape.is_set):
        for item in value:
            step = (*path, _step(item, shape))
            found[step] = _INSIDE
            if shape.keys:
                _gather(found, item, shape.items, step)
    elif path:
        found[path] = value


def changed(before: Leaves, after: Leaves) -> set[Path]:
    """The places that hold something else, or exist on one side alone."""
    return {path for path in before.keys() | after.keys() if before.get(path, _MISSING) != after.get(path, _MISSING)}


def merged(live: Any, patch: Any, shape: Shape) -> Any:
    """What is applied over what is there; neither is changed."""
    if is_map(live) and is_map(patch) and not shape.atomic:
        found: Json = dict(live)
        for name, value in patch.items():
            found[name] = merged(found[name], value, shape.at(name)) if name in found else value
        return found
    if is_list(live) and is_list(patch) and (shape.keys or shape.is_set):
        return _merged_items(live, patch, shape)
    return patch


def _merged_items(live: list[Any], patch: list[Any], shape: Shape) -> list[Any]:
    """Items in the order of what is applied; what only the live list has stays before its next neighbour."""
    there = {_step(item, shape): item for item in live}
    wanted = {_step(item, shape) for item in patch}
    order = list(there)
    found: list[Any] = []
    position = 0
    for item in patch:
        step = _step(item, shape)
        if step in there:
            while position < len(order) and order[position] != step:
                if order[position] not in wanted:
                    found.append(there[order[position]])
                position += 1
            position += 1
            item = merged(there[step], item, shape.items)  # noqa: PLW2901  # the same item, more of it
        found.append(item)
    found += [there[step] for step in order[position:] if step not in wanted]
    return found


def removed(body: Json, paths: set[Path], kept: set[Path], shape: Shape) -> Json:
    """The body without those places, but for those that somebody else owns, or owns something in."""
    found = body
    # A field goes with the last of what was applied in it, whatever defaults are left there.
    outer = {path[:end] for path in paths for end in range(1, len(path)) if path[end - 1].startswith("f:")}
    for path in sorted(paths | outer, key=len):
        if not any(other[: len(path)] == path for other in kept):
            found = cast("Json", _without(found, path, shape))
    return found


def _without(value: Any, path: Path, shape: Shape) -> Any:
    step, rest = path[0], path[1:]
    if is_map(value):
        name = step[2:]
        if name not in value:
            return value
        inner = _without(value[name], rest, shape.at(name)) if rest else None
        if inner in (None, {}, []):
            return {key: one for key, one in value.items() if key != name}
        return {**value, name: inner}
    if is_list(value):
        items = value
        if rest:
            return [_without(one, rest, shape.items) if _step(one, shape) == step else one for one in items]
        return [one for one in items if _step(one, shape) != step]
    return value


def tree(paths: set[Path]) -> Json:
    """`fieldsV1` of an entry of managedFields."""
    found: Json = {}
    for path in sorted(paths):
        inner = found
        for step in path:
            inner = inner.setdefault(step, {})
    for path in paths:
        inner = found
        for step in path:
            inner = inner[step]
        if inner:
            inner["."] = {}
    return found


def merge_patch(value: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not is_map(patch):
        return patch
    found: Json = dict(value) if is_map(value) else {}
    for name, inner in patch.items():
        if inner is None:
            found.pop(name, None)
        else:
            found[name] = merge_patch(found.get(name), inner)
    return found


def _step(item: Any, shape: Shape) -> str:
    if shape.is_set:
        return f"v:{orjson.dumps(item).decode()}"
    found = cast("Json", item)
    keys = {key: found.get(key, shape.defaults.get(key)) for key in shape.keys}
    return f"k:{orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()}"
