"""Whatever the models refuse is left out, smallest part first, until the API server would take it; its rows say why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from berth.api.schema import Shape
from berth.importer.report import Location, Row
from berth.importer.scalars import Schema, placeholder
from berth.importer.shapes import is_list, is_object
from berth.importer.tree import GONE, original, value_at, without

MOST_PASSES = 100
Fault = tuple[Location, str]
_WORD = re.compile(r"[A-Za-z]+(?:[.][A-Za-z]+)*")


class Misfit(ValueError):  # noqa: N818  # a finding about the input
    """Nothing that the API server would take is left; the message says what is missing."""


def fitted(
    spec: dict[str, Any], kind: tuple[type[Shape], Schema], rows: list[Row], excluded: set[Location]
) -> dict[str, Any]:
    """The greatest part of a spec without the excluded places that the model takes."""
    model, schema = kind
    for _ in range(MOST_PASSES):
        value = _left(spec, excluded)
        faults = _twice(value, schema) or _refused(value, model)
        if not faults:
            return value
        for whole, why in [(original(spec, excluded, place), why) for place, why in faults]:
            if not whole:
                raise Misfit(why)
            excluded.add(whole)
            for row in rows:
                if row.target is not None and row.target[: len(whole)] == whole:
                    row.refuse(f"left out: {why}" if row.target != whole else why)
    raise Misfit("too much of it is wrong")


def _left(spec: dict[str, Any], excluded: set[Location]) -> dict[str, Any]:
    value = without(spec, excluded)
    return {} if value is GONE else value


def _refused(value: dict[str, Any], model: type[Shape]) -> list[Fault]:
    """The places to leave out for what the model says."""
    error = _error(value, model)
    if error is None:
        return []
    faults: list[Fault] = []
    for one in error.errors(include_url=False, include_input=False):
        message = _sentence(dict(one))
        place = _existing(value, one["loc"])
        if one["type"] == "value_error":
            faults += [(found, message) for found in _culprits(_Broken(value, model, place, message))]
            continue
        if one["type"] == "missing":
            message = f"{one['loc'][-1]} is missing"
        left = placeholder(value_at(value, place))
        faults.append((place, f"fill in {left} first: it {message}" if left else message))
    # Of the branches of a union the last says most.
    return list(dict(faults).items())


def _error(value: dict[str, Any], model: type[Shape]) -> ValidationError | None:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return error
    return None


def _sentence(fault: dict[str, Any]) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "literal_error":
        return f"can only be {fault['ctx']['expected']} so far"
    if fault["type"] == "string_pattern_mismatch":
        return f"must match {fault['ctx']['pattern']}"
    return message[:1].lower() + message[1:]


def _existing(whole: dict[str, Any], place: tuple[int | str, ...]) -> Location:
    """The longest part of a place that is there; pydantic adds the branches of unions."""
    at: Location = ()
    value: Any = whole
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        at = (*at, part)
    return at


@dataclass(frozen=True)
class _Broken:
    """A rule between fields that does not hold, and the object that it is about."""

    value: dict[str, Any]
    model: type[Shape]
    place: Location
    message: str

    def cured(self, excluded: set[Location]) -> bool:
        """Without these places the rule holds, and its object lacks nothing that it needs."""
        error = _error(_left(self.value, excluded), self.model)
        if error is None:
            return True
        for one in error.errors(include_url=False, include_input=False):
            lacking = one["type"] == "missing" and one["loc"][:-1] == self.place
            if lacking or _sentence(dict(one)) == self.message:
                return False
        return True


def _culprits(broken: _Broken) -> list[Location]:
    """What to leave out for a rule: those of the values it names that break it, or any field that makes it hold."""
    below = value_at(broken.value, broken.place)
    # Of linuxParameters.devices the devices alone, if that is enough.
    words = [word for path in _WORD.findall(broken.message) for word in reversed(path.split("."))]
    for word in dict.fromkeys(words):
        places = list(_named(below, word, broken.place))
        if places and broken.cured(set(places)):
            alone = [place for place in places if not broken.cured({other for other in places if other != place})]
            return alone or places
    keys: list[str] = list(below) if is_object(below) else []
    return next(([(*broken.place, key)] for key in keys if broken.cured({(*broken.place, key)})), [broken.place])


def _named(value: Any, name: str, at: Location) -> Iterator[Location]:
    """The places of that name, at any depth; of a list each item."""
    if is_object(value):
        for key, member in value.items():
            if key != name:
                yield from _named(member, name, (*at, key))
            elif is_list(member):
                yield from ((*at, key, index) for index in range(len(member)))
            else:
                yield (*at, key)
    elif is_list(value):
        for index, item in enumerate(value):
            yield from _named(item, name, (*at, index))


def _twice(value: Any, schema: Schema, at: Location = ()) -> list[Fault]:
    """A list whose items are found by keys takes each only once; of variables the last counts, as in a shell."""
    faults: list[Fault] = []
    if is_object(value):
        properties = schema.get("properties", {})
        for key, member in value.items():
            faults += _twice(member, properties.get(key, {}), (*at, key))
    if not is_list(value):
        return faults
    items: Schema = schema.get("items", {})
    seen: dict[str, int] = {}
    last = at[-1:] == ("environment",)
    for index, item in enumerate(value):
        found = _identity(item, schema, items)
        if found is not None and found in seen:
            place = seen[found] if last else index
            faults.append(((*at, place), "stands there twice" + ("; the last counts" if last else "")))
        if found is not None:
            seen[found] = index
        faults += _twice(item, items, (*at, index))
    return faults


def _identity(item: Any, schema: Schema, items: Schema) -> str | None:
    if schema.get("x-kubernetes-list-type") == "set":
        return repr(item)
    if schema.get("x-kubernetes-list-type") == "map" and is_object(item):
        members = item
        defaults = items.get("properties", {})
        return repr(
            [members.get(key, defaults.get(key, {}).get("default")) for key in schema["x-kubernetes-list-map-keys"]]
        )
    return None
