"""What became of each leaf of the input."""

import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from berth.fields import Verdict

Location = tuple[str | int, ...]


@dataclass(slots=True)
class Row:
    """One leaf of the input; `target` is where its value went, as long as it is in the result."""

    file: str
    path: str
    verdict: Verdict
    becomes: str = ""
    note: str = ""
    target: Location | None = None
    fixed: bool = False
    """True when the value itself decided: what the plan says of the field in general changes nothing."""

    def refuse(self, note: str) -> None:
        if self.verdict in {"exact", "close"}:
            self.verdict, self.becomes, self.note, self.target = "refused", "", note, None

    def defaulted(self, value: str) -> None:
        """A template stood there, and its own default was taken."""
        self.verdict = "close" if self.verdict == "exact" else self.verdict
        self.note, self.fixed = f"{value or 'nothing'} is taken, the template's own default. {self.note}", True

    def shown(self) -> dict[str, str]:
        return {
            "file": self.file,
            "path": self.path,
            "verdict": self.verdict,
            "becomes": self.becomes,
            "note": self.note,
        }


ORDER = ("refused", "close", "ignored", "exact")
WHOLE = "\ud800"
"""In a path: what follows stands nowhere in the text, so all of it is told where this stands. No text read holds it."""


def settled(rows: Iterable[Row]) -> list[Row]:
    """One row a path: of what a function of a template made of a single place, the worst that came of it."""
    kept: dict[str, Row] = {}
    for row in rows:
        row.path = row.path.partition(WHOLE)[0]
        other = kept.setdefault(row.path, row)
        if other is row:
            continue
        worse, better = (row, other) if ORDER.index(row.verdict) < ORDER.index(other.verdict) else (other, row)
        if worse.verdict == better.verdict and better.note not in worse.note:
            worse.note = f"{worse.note} {better.note}"
        kept[row.path] = worse
    return list(kept.values())


def summary(file: str, rows: Iterable[Row], width: int = 120) -> list[str]:
    """The report for people: counts, then what is not as it was; rows with one reason stand together."""
    rows = list(rows)
    counts = Counter(row.verdict for row in rows)
    said = ", ".join(
        f"{counts[verdict]} {verdict}" for verdict in ("exact", "close", "ignored", "refused") if counts[verdict]
    )
    lines = [f"{file}: {said or 'nothing in it'}"]
    for verdict in ("refused", "close", "ignored"):
        grouped: dict[str, list[str]] = {}
        for row in rows:
            if row.verdict == verdict:
                grouped.setdefault(row.note, []).append(row.path)
        for note, paths in grouped.items():
            lines += _told(verdict, _paths(paths), width) + _told("", note, width)
    return lines


def remarks(told: Iterable[str], width: int = 120) -> list[str]:
    return [line for text in told for line in _told("note", text, width)]


SHOWN = 3


def _paths(paths: list[str]) -> str:
    shown = ", ".join(paths[:SHOWN])
    return shown if len(paths) <= SHOWN else f"{shown} and {len(paths) - SHOWN} more"


def _told(verdict: str, text: str, width: int) -> list[str]:
    """A word in the margin, and its text beside it."""
    margin = f"  {verdict:8}"
    return textwrap.wrap(
        text, width, initial_indent=margin, subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False
    )


def joined(at: str, key: str | int) -> str:
    """The path of a key or of an item below a path."""
    if isinstance(key, int):
        return f"{at}[{key}]"
    return f"{at}.{key}" if at else key
