"""One walk over a definition: each leaf gets its row of the report, and what the models know goes into the result."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from berth.fields import Call, Field
from berth.importer import scalars
from berth.importer.report import Location, Row, joined
from berth.importer.scalars import Schema, WrongKindError
from berth.importer.shapes import is_list, is_object
from berth.importer.tree import put
from berth.importer.worked_out import Worked, asides_of, leaves_of, path_to, unmarked

Convert = Callable[[str], str]
REMARKS = frozenset({"$schema", "comment", "comments", "description"})
OTHERWISE = {
    "placementstrategies": "placementstrategy",
    "proxyconfigurationproperties": "properties",
    "clustersettings": "settings",
}
"""What CloudFormation calls otherwise than by a capital letter."""
REMARK_SIGNS = ("_", "//", "#", "x-")
WORDS = frozenset({"command", "entryPoint"})
"""Lists of words in which one text is not the same as a list of one, and in which ${NAME} is the shell's."""
FREE = frozenset({"value", "command", "entryPoint", "environment", "options", "dockerLabels"})
"""Where an empty text says something."""


@dataclass(frozen=True)
class Spot:
    """Where the walk is: the field's path in the table, the path in the file, the place in the result."""

    field: str
    path: str
    schema: Schema | None
    target: Location | None

    def child(self, name: str, key: str) -> "Spot":
        """A member `name` of the table, spelt `key` in the file."""
        schema = (self.schema or {}).get("properties", {}).get(name)
        target = (*self.target, name) if self.target is not None and schema is not None else None
        return Spot(f"{self.field}.{name}" if self.field else name, joined(self.path, key), schema, target)

    def item(self, index: int, at: str | None = None) -> "Spot":
        schema = (self.schema or {}).get("items")
        target = (*self.target, index) if self.target is not None and schema is not None else None
        return Spot(f"{self.field}[]", joined(self.path, index) if at is None else at, schema, target)


@dataclass
class Walk:
    """What a walk is over, and what it has found so far."""

    call: Call
    file: str
    convert: dict[str, Convert]
    """How values of certain fields are written here, by the field's path."""
    unchanged: dict[str, Callable[[str], bool]] = field(default_factory=dict[str, Callable[[str], bool]])
    """Fields that are exact for values that need no other spelling, and close for the rest."""
    spec: dict[str, Any] = field(default_factory=dict[str, Any])
    rows: list[Row] = field(default_factory=list[Row])

    def over(self, value: Any, spot: Spot, row: Field | None) -> None:
        """`row` is what the table says of this spot; None at the top."""
        if isinstance(value, Worked):
            self._aside(value.aside, spot.path)
            spot, value = replace(spot, path=path_to(value, spot.path)), unmarked(value)
        if value is None or value in ({}, []):
            self._say(spot, Field("", "", "ignored", "empty: it asks for nothing"))
        elif is_object(value):
            self._structure(value, spot, row)
        elif is_list(value):
            self._list(value, spot, row)
        elif row is not None:
            self._scalar(value, spot, row)
        else:
            self._say(spot, Field("", "", "refused", "must be an object with ECS's fields"))

    def _structure(self, value: dict[str, Any], spot: Spot, row: Field | None) -> None:
        if self.call.is_list(spot.field):
            # One object where a list of them belongs.
            spot = spot.item(0, spot.path)
        known = self.call.children(spot.field)
        if not known:
            self._free_map(value, spot, row)
            return
        seen: set[str] = set()
        for key, member in value.items():
            found = known.get(OTHERWISE.get(key.lower(), key.lower()))
            if found is None or found.name in seen:
                self._unknown(key, member, spot, [one.name for one in known.values()])
                continue
            seen.add(found.name)
            below = spot.child(found.name, key)
            said = found if key[:1].lower() + key[1:] == found.name else _respelt(found, key)
            self.over(member, below, said)

    def _free_map(self, value: dict[str, Any], spot: Spot, row: Field | None) -> None:
        schema = (spot.schema or {}).get("additionalProperties")
        for key, member in value.items():
            target = (*spot.target, key) if spot.target is not None and schema is not None else None
            below = replace(spot, path=joined(spot.path, key), schema=schema, target=target)
            if row is not None and target is None and row.verdict in {"exact", "close"}:
                row = Field("", "", "refused", f"{row.name} is a single value, not an object")
            self._each_leaf(member, below, row)

    def _each_leaf(self, value: Any, spot: Spot, row: Field | None) -> None:
        self._aside(asides_of(value, spot.path), "")
        for path, place, leaf in leaves_of(value, spot.path):
            if place or row is None:
                self._say(replace(spot, path=path), row or Field("", "", "refused", "ECS knows no such field"))
            else:
                self._scalar(leaf, spot, row)

    def _aside(self, found: Iterable[tuple[str, str]], path: str) -> None:
        for at, why in found:
            self._say(Spot("", f"{path}{at}", None, None), Field("", "", "ignored", why))

    def _list(self, value: list[Any], spot: Spot, row: Field | None) -> None:
        if self.call.is_list(spot.field):
            for index, item in enumerate(value):
                self.over(item, spot.item(index), row)
            return
        if row is None or self.call.children(spot.field):
            self._each_leaf(value, spot, Field("", "", "refused", "must be one object, not a list"))
            return
        schema = (spot.schema or {}).get("items")
        for index, item in enumerate(value):
            target = (*spot.target, index) if spot.target is not None and schema is not None else None
            below = Spot(spot.field, joined(spot.path, index), schema, target)
            if schema is None and spot.target is not None:
                self._each_leaf(item, below, Field("", "", "refused", f"{row.name} is a single value, not a list"))
            else:
                self._each_leaf(item, below, row)

    def _scalar(self, value: Any, spot: Spot, row: Field) -> None:
        name = row.name
        default = None if name in WORDS else scalars.default_of(value)
        if default is not None:
            self._scalar(default, spot, row)
            self.rows[-1].defaulted(default)
            return
        if value is None or (value == "" and not (spot.target is not None and name in FREE)):
            self._say(spot, Field("", "", "ignored", "empty: it asks for nothing"))
        elif any(scalars.same(value, one) for one in row.default):
            self._say(spot, Field("", "", "exact", "what happens anyway", becomes=row.becomes), fixed=True)
        elif row.verdict in {"exact", "close"} or (row.verdict == "ignored" and spot.target is not None):
            # What the model keeps on record stays in the manifest although nothing comes of it.
            self._supported(value, spot, row)
        else:
            self._say(spot, row)

    def _supported(self, value: Any, spot: Spot, row: Field) -> None:
        schema, target = spot.schema, spot.target
        if schema is not None and schema.get("type") == "array":
            if row.name in WORDS or self.call.is_list(spot.field):
                self._say(spot, Field("", "", "refused", f"{row.name} must be a list"))
                return
            # A single value where a list of values belongs.
            schema, target = schema["items"], (*target, 0) if target is not None else None
        elif self.call.children(spot.field) or self.call.is_list(spot.field):
            self._say(spot, Field("", "", "refused", f"{row.name} must be an object"))
            return
        try:
            made = self._made(value, spot.field, schema)
        except WrongKindError as error:
            left = scalars.placeholder(value)
            self._say(spot, Field("", "", "refused", f"{error}{f': fill in {left} first' if left else ''}"))
            return
        if target is not None:
            put(self.spec, target, made)
        same = self.unchanged.get(spot.field)
        if same is not None:
            alike = same(scalars.said(value))
            row = replace(row, verdict="exact", note="Taken as it is.") if alike else replace(row, verdict="close")
        said = _with_remarks(row, value) if target is not None else row
        self._say(replace(spot, target=target), said, fixed=same is not None or said is not row, put=True)

    def _made(self, value: Any, path: str, schema: Schema | None) -> Any:
        convert = self.convert.get(path)
        if convert is not None:
            value = convert(scalars.said(value))
        return scalars.coerced(value, schema) if schema is not None else value

    def _unknown(self, key: str, value: Any, spot: Spot, known: list[str]) -> None:
        if key.startswith(REMARK_SIGNS) or key.lower() in REMARKS:
            row = Field("", "", "ignored", "a remark of whoever wrote the file")
        else:
            meant = difflib.get_close_matches(key, known, n=1)
            hint = f"; {meant[0]} may be meant" if meant else ""
            row = Field("", "", "refused", f"ECS knows no such field{hint}")
        self._each_leaf(value, Spot("", joined(spot.path, key), None, None), row)

    def _say(self, spot: Spot, row: Field, *, fixed: bool = False, put: bool = False) -> None:
        target = spot.target if put or row.verdict in {"exact", "close"} else None
        becomes = row.becomes if row.verdict in {"exact", "close"} else ""
        self.rows.append(Row(self.file, spot.path, row.verdict, becomes, row.note, target, fixed))


def _respelt(row: Field, key: str) -> Field:
    return replace(row, note=f"read as {row.name}, which ECS spells so. {row.note}") if key[1:] != row.name[1:] else row


def _with_remarks(row: Field, value: Any) -> Field:
    left = scalars.placeholder(value)
    if row.verdict == "ignored" or (row.name in WORDS and not left.startswith(("{{", "<%"))):
        return row
    return replace(row, verdict="close", note=f"fill in {left} before you apply. {row.note}") if left else row
