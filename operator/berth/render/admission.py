"""What the API server does with an object of ours before the operator sees it: defaults, and refusals."""

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import ValidationError

from berth.api.kind import Kind
from berth.gen.schema import Schema, structural
from berth.importer.shapes import is_list, is_object
from berth.plan.outcome import Json


def admitted(body: Json, kind: Kind) -> tuple[Json, list[str]]:
    """The object with its defaults, and everything that the API server would refuse it for."""
    schema = _schema(kind)
    spec: Any = body.get("spec")
    if not is_object(spec):
        return body, ["spec: is required"]
    faults = [f"{path}: unknown field" for path in _unknown(spec, schema, "spec")]
    faults += [rule.message for rule in kind.rules if not rule.holds(body)]
    try:
        kind.spec.model_validate(spec)
    except ValidationError as error:
        faults += [f"{_path(one['loc'])}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors()]
    if faults:
        return body, faults
    return {**body, "spec": _defaulted(copy.deepcopy(body["spec"]), schema)}, []


@cache
def _schema(kind: Kind) -> Schema:
    return structural(kind.spec)


def _defaulted(value: Any, schema: Schema) -> Any:
    """Each field that is missing and has a default gets it, at every depth; a default's own fields are complete."""
    if is_object(value):
        properties: dict[str, Schema] = schema.get("properties", {})
        for name, node in properties.items():
            if value.get(name) is None and "default" in node:
                value[name] = copy.deepcopy(node["default"])
            if name in value:
                value[name] = _defaulted(value[name], node)
        others = schema.get("additionalProperties")
        return value if others is None else {key: _defaulted(one, others) for key, one in value.items()}
    if is_list(value):
        return [_defaulted(item, schema.get("items", {})) for item in value]
    return value


def _unknown(value: Any, schema: Schema, at: str) -> Iterator[str]:
    if is_object(value):
        properties: dict[str, Schema] = schema.get("properties", {})
        for key, member in value.items():
            if key in properties:
                yield from _unknown(member, properties[key], f"{at}.{key}")
            elif properties:
                yield f"{at}.{key}"
    elif is_list(value):
        for index, item in enumerate(value):
            yield from _unknown(item, schema.get("items", {}), f"{at}[{index}]")


def _path(place: tuple[int | str, ...]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
