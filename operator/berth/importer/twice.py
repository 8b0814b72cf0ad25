"""Keys that stand twice in one object, with the lines on which they do: a parser keeps the last and says nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_COLON = ":"
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*+"|[{}\[\]:,]', re.DOTALL)


@dataclass(frozen=True)
class Doubled:
    """One key, and where it stood before."""

    key: str
    first: int
    line: int

    def __str__(self) -> str:
        where = f"line {self.line}" if self.first == self.line else f"lines {self.first} and {self.line}"
        return f"{self.key} stands twice in one object ({where}): the last one counts"


@dataclass
class Keys:
    """The keys of one object, by the line on which each was last seen."""

    lines: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, key: str, line: int) -> Doubled | None:
        first = self.lines.get(key)
        self.lines[key] = line
        return None if first is None else Doubled(key, first, line)


def in_json(text: str) -> Iterator[Doubled]:
    """Of a text that is JSON; only asked when the parser found such a key, so that it may take its time."""
    nested: list[Keys] = []
    word, line, start = "", 1, 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", start, found.start())
        start, mark = found.start(), found.group()
        if mark in "{[":
            nested.append(Keys())
        elif mark in "}]":
            nested = nested[:-1]
        elif mark == _COLON and nested and (doubled := nested[-1].add(word, line)) is not None:
            yield doubled
        word = mark[1:-1] if mark[0] == '"' else ""
