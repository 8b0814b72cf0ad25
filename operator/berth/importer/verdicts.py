"""What the plan's registry says of the values that are in the result: some verdicts depend on what stands around."""

from berth.fields import note_of
from berth.fields.merged import VERDICTS
from berth.importer.report import Location, Row, joined
from berth.importer.shapes import Json
from berth.plan.translation import Around, Translation, values
from berth.plan.translations import TASK_DEFINITION

WHOLE = frozenset({"containerDefinitions", "volumes"})


def judged(spec: Json, rows: list[Row]) -> set[Location]:
    """Gives rows the registry's verdicts; the places that the plan would refuse, to be left out."""
    said = _said(spec)
    refused: set[Location] = set()
    for row in rows:
        if row.target is None:
            continue
        place = _nearest(row.target, said)
        if place is None:
            continue
        found, before = said[_path(place)], row.verdict
        if found.verdict == "Refused":
            refused.add(place)
            row.refuse(note_of(found, row.note))
        elif not row.fixed:
            row.verdict = VERDICTS[found.verdict]
            row.becomes = found.becomes if row.verdict in {"exact", "close"} else ""
            row.note = note_of(found, row.note if row.verdict == before else "")
    return refused


def _said(spec: Json) -> dict[str, Translation]:
    """The row that applies, by the path of each value that has one."""
    found: dict[str, Translation] = {}
    for field in dict.fromkeys(row.field for row in TASK_DEFINITION):
        rows = [row for row in TASK_DEFINITION if row.field == field]
        for path, value, holder in values(spec, field):
            row = next((row for row in rows if row.when(value, Around(spec, holder))), None)
            if row is not None:
                found[path] = row
    return found


def _nearest(target: Location, said: dict[str, Translation]) -> Location | None:
    for length in range(len(target), 0, -1):
        place = target[:length]
        if length <= 2 and place[0] in WHOLE:  # noqa: PLR2004  # a container or a volume as a whole
            return None
        if _path(place) in said:
            return place
    return None


def _path(place: Location) -> str:
    path = ""
    for part in place:
        path = joined(path, part)
    return path
