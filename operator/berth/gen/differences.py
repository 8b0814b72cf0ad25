"""The table of ECS's fields -> docs/differences.md."""

from berth.fields import Field, calls
from berth.gen.reference import HEADER

LEAD = """# What becomes of each field of ECS

One row a field, from the table that `berth import` works by and `berth explain FIELD` prints.

- **exact**: it means here what it means in ECS.
- **close**: it works, with the difference that the row tells.
- **ignored**: nothing in a cluster needs it, so leaving it out loses nothing that runs.
- **refused**: it is not done. `berth import` names it and exits with 3, and the API server refuses a field that it
  does not know. Nothing is dropped in silence.
"""


def page() -> str:
    """The page of differences."""
    tables = [_table(call.title, list(call.fields.values())) for call in calls().values()]
    return "\n".join([HEADER.rstrip("\n"), LEAD, *tables])


def _table(title: str, fields: list[Field]) -> str:
    counts = ", ".join(
        f"{sum(field.verdict == verdict for field in fields)} {verdict}"
        for verdict in ("exact", "close", "ignored", "refused")
    )
    rows = [f"| `{one.path}` | {one.verdict} | {_cell(one.becomes)} | {_note(one)} |" for one in fields]
    return "\n".join(
        [
            f"## {title}",
            "",
            f"{counts}.",
            "",
            "| Field | Verdict | Becomes | What to know |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _note(field: Field) -> str:
    values = ", ".join(f"`{_word(value)}`" for value in field.default)
    return _cell(field.note) + (f" ({values} asks for nothing, and is taken.)" if values else "")


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
