"""The patterns of ECS's query language, Java's regular expressions as far as a list of values can say the same.

A pattern is never run by a regular expression engine: whoever may write a TaskDefinition could keep the operator busy
for hours with one. Matching moves sets of positions, so its time is bounded by the lengths of pattern and text.
"""

import string
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST = 128
MOST = 64
"""A pattern that stands for more values than this is no list of values."""
MOST_REPETITIONS = 8
UNBOUNDED = 64
"""Values of labels have 63 characters: more repetitions make no difference."""
ALPHABET = frozenset(string.ascii_letters + string.digits + "-_.:/")
"""What values consist of."""


@dataclass(frozen=True, slots=True)
class One:
    """One of these characters."""

    of: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after another."""

    parts: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of these."""

    parts: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same several times."""

    part: "Pattern"
    least: int
    most: int


Pattern = One | Sequence | Either | Repeated


def parse(text: str) -> Pattern | None:
    """None for what this does not know: lookaround, references back, anchors, repetitions of repetitions."""
    # Most operators never see a pattern, and the parser takes 14 MB.
    from berth.plan.pattern_grammar import read  # noqa: PLC0415  # the reason is above

    return read(text) if len(text) <= LONGEST else None


def matches(pattern: Pattern, text: str) -> bool:
    """Whether the whole text is as the pattern says, as in Java's String.matches."""
    return len(text) in _after(pattern, text, frozenset((0,)))


def _after(pattern: Pattern, text: str, at: frozenset[int]) -> frozenset[int]:
    """The positions that a match can have reached."""
    if isinstance(pattern, One):
        return frozenset(i + 1 for i in at if i < len(text) and text[i] in pattern.of)
    if isinstance(pattern, Either):
        return frozenset[int]().union(*(_after(part, text, at) for part in pattern.parts))
    if isinstance(pattern, Sequence):
        for part in pattern.parts:
            if not at:
                break
            at = _after(part, text, at)
        return at
    reached = at if pattern.least == 0 else frozenset[int]()
    for times in range(1, pattern.most + 1):
        at = _after(pattern.part, text, at)
        if times >= pattern.least:
            if at <= reached:
                break
            reached |= at
    return reached


def listed(pattern: Pattern) -> tuple[str, ...] | None:
    """Every text that matches, if these are few."""
    found = _listed(pattern)
    return None if found is None else tuple(sorted(found))


def _listed(pattern: Pattern) -> frozenset[str] | None:
    if isinstance(pattern, One):
        return pattern.of if len(pattern.of) < MOST else None
    if isinstance(pattern, Either):
        return _bounded(one for part in pattern.parts for one in _listed(part) or (None,))
    if isinstance(pattern, Sequence):
        return _joined(pattern.parts)
    if pattern.most >= UNBOUNDED:
        return None
    counts = range(pattern.least, pattern.most + 1)
    return _bounded(one for count in counts for one in _joined((pattern.part,) * count) or (None,))


def _joined(parts: tuple[Pattern, ...]) -> frozenset[str] | None:
    made: frozenset[str] | None = frozenset(("",))
    for part in parts:
        found = _listed(part)
        if found is None or made is None:
            return None
        made = _bounded(first + second for first in made for second in found)
    return made


def _bounded(found: Iterable[str | None]) -> frozenset[str] | None:
    made: set[str] = set()
    for one in found:
        if one is None:
            return None
        made.add(one)
        if len(made) > MOST:
            return None
    return frozenset(made)
