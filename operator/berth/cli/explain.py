"""berth explain: what becomes of a field of ECS."""

import sys
from typing import Annotated

import typer

from berth.fields import Field, calls, lookup, nearest
from berth.fields.table import TITLES

SHOWN = 60
HELP = """Tell what becomes of a field of ECS, and of the fields below it.

A path may be whole or only its end, with list indexes or without, in any
case: as a report of `berth import` names it, for example.

\b
Exit status
  0  ECS has such a field
  1  it has none; near names are shown

\b
Examples
  berth explain healthCheck
  berth explain portMappings.hostPort
  berth explain 'Resources.Web.Properties.ContainerDefinitions[0].Image'
"""


def _complete(incomplete: str) -> list[str]:
    """Of every path each part of as many words as were typed: shells drop what does not start as typed."""
    start, words = incomplete.lower(), incomplete.count(".") + 1
    paths = [path.replace("[]", "").split(".") for call in calls().values() for path in call.fields]
    parts = [".".join(path[at : at + words]) for path in paths for at in range(len(path) - words + 1)]
    return sorted({part for part in parts if part.lower().startswith(start)})


def explain(
    field: Annotated[
        str,
        typer.Argument(
            help="A field as ECS's JSON has it: containerDefinitions.portMappings.hostPort, or its name alone.",
            metavar="FIELD",
            autocompletion=_complete,
        ),
    ],
) -> None:
    """Tell what becomes of a field of ECS."""
    found = lookup(field.strip())
    if not found:
        print(f"ECS has no field {field or 'without a name'}.", file=sys.stderr)
        meant = nearest(field)
        print("Did you mean" if meant else "docs/differences.md lists all.", file=sys.stderr)
        for path in meant:
            print(f"  berth explain {path.replace('[]', '')}", file=sys.stderr)
        raise typer.Exit(1)
    print(_whole(found[0]))
    for one in found[1 : SHOWN + 1]:
        print(f"  {one.path:60} {one.verdict:8} {one.note}")
    if len(found) > SHOWN + 1:
        print(f"  and {len(found) - SHOWN - 1} more: name one of those above")


def _whole(field: Field) -> str:
    lines = [f"{field.path} ({TITLES[field.call]})", f"  verdict  {field.verdict}"]
    if field.becomes:
        lines.append(f"  becomes  {field.becomes}")
    lines.append(f"  note     {field.note}")
    if field.default:
        words = ", ".join(str(one).lower() if isinstance(one, bool) else str(one) for one in field.default)
        lines.append(f"  taken    {words}: it asks for nothing")
    return "\n".join(lines)
