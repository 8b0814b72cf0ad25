"""The registry of what becomes of each field of RegisterTaskDefinition: rows stand beside what they translate."""

import re
from typing import Any

from berth.plan import (
    container,
    dependencies,
    health,
    isolation,
    memory,
    placement_constraint,
    pod,
    registry,
    restart,
    secret,
    security,
    task_role,
    task_template,
    volume,
)
from berth.plan.outcome import Json
from berth.plan.translation import Around, Translation, given, values

TASK_DEFINITION: tuple[Translation, ...] = (
    *task_template.TRANSLATIONS,
    *isolation.TRANSLATIONS,
    *pod.TRANSLATIONS,
    *placement_constraint.TRANSLATIONS,
    *container.TRANSLATIONS,
    *restart.TRANSLATIONS,
    *dependencies.TRANSLATIONS,
    *health.TRANSLATIONS,
    *security.TRANSLATIONS,
    *memory.TRANSLATIONS,
    *volume.TRANSLATIONS,
    *secret.TRANSLATIONS,
    *registry.TRANSLATIONS,
    *task_role.TRANSLATIONS,
)
TOLD = ("Close", "LeftOut")
NOTHING_ASKED = Translation("", "Exact", "nothing: the value asks for nothing")
_BY_FIELD = {
    field: [row for row in TASK_DEFINITION if row.field == field]
    for field in dict.fromkeys(row.field for row in TASK_DEFINITION)
}


def rows_of(field: str) -> tuple[Translation, ...]:
    """The rows for a field, or for the smallest one that it belongs to; indexes in the path do not matter."""
    path = re.sub(r"\[\d+\]", "[]", field)
    while path:
        found = tuple(row for row in TASK_DEFINITION if row.field in {path, path.removesuffix("[]")})
        if found:
            return found
        path = path.rpartition(".")[0]
    return ()


def verdict_of(field: str, value: Any, around: Around) -> Translation | None:
    """What becomes of one value of a definition; None for a field that ECS does not have."""
    rows = rows_of(field)
    if not rows:
        return None
    return next((row for row in rows if row.when(value, around)), rows[-1] if given(value, around) else NOTHING_ASKED)


def told(task: Json, features: frozenset[str]) -> list[Json]:
    """What a definition loses or gets otherwise than on ECS, one sentence for each field, in the table's order."""
    found: dict[str, Json] = {}
    for field, rows in _BY_FIELD.items():
        for path, value, holder in values(task, field):
            around = Around(task, holder, features)
            row = next((row for row in rows if row.when(value, around)), None)
            if row is not None and row.verdict in TOLD:
                found[path] = {"field": path, "verdict": row.verdict, "message": row.message}
    return list(found.values())
