"""Whether a live object still is what we applied, without keeping either: a hash of the fields that we own.

The API server records in `managedFields` which paths each manager applied. A live object projected onto ours, and the
planned manifest, hash alike exactly when an apply would change nothing.
"""

from hashlib import blake2b
from typing import Any, TypeGuard

import orjson

from berth.names import FIELD_MANAGER
from berth.plan.outcome import Json

SIZE = 12
NOT_APPLIED = b""
"""The fingerprint of an object that we never applied."""

_MISSING = object()


def planned_print(manifest: Json) -> bytes:
    """The fingerprint of a manifest as it is sent, but for the fields that only name the object."""
    return blake2b(orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS), digest_size=SIZE).digest()


def live_print(body: Json) -> bytes:
    """The fingerprint of the fields of a live object that we applied and still own."""
    for entry in body["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            # What was taken back leaves an entry without fields, or none.
            return planned_print(_project(body, fields)) if (fields := entry.get("fieldsV1")) else NOT_APPLIED
    return NOT_APPLIED


def _project(value: Any, fields: Json) -> Any:
    """The part of a value that the paths name; a path without further steps names the whole."""
    if not fields:
        return value
    if _is_map(value):
        return _project_map(value, fields)
    return _project_list(value, fields) if _is_list(value) else value


def _project_map(value: Json, fields: Json) -> Json:
    found: Json = {}
    for step, rest in fields.items():
        if step.startswith("f:"):
            name = step[2:]
            inner = value.get(name, _MISSING)
            if inner is not _MISSING:
                found[name] = _project(inner, rest)
    return found


def _project_list(items: list[Any], fields: Json) -> list[Any]:
    """Items in the live order, each cut to what we own of it."""
    values: list[Any] = []
    keyed: list[tuple[Json, Json]] = []
    found: list[Any] = []
    for step, rest in fields.items():
        if step.startswith("k:"):
            keyed.append((orjson.loads(step[2:]), rest))
        elif step.startswith("v:"):
            values.append(orjson.loads(step[2:]))
        elif step.startswith("i:"):
            values.append(items[int(step[2:])] if int(step[2:]) < len(items) else _MISSING)
    for item in items:
        rest = _fields_of(item, keyed)
        if rest is not None:
            found.append(_project(item, rest))
        elif item in values:
            found.append(item)
    return found


def _fields_of(item: Any, keyed: list[tuple[Json, Json]]) -> Json | None:
    if _is_map(item):
        for keys, rest in keyed:
            if all(item.get(name, _MISSING) == value for name, value in keys.items()):
                return rest
    return None


def _is_map(value: Any) -> TypeGuard[Json]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
