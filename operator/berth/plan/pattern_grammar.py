"""The grammar of patterns, and what each of its rules matches."""

import re
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError

from berth.plan.pattern import ALPHABET, MOST_REPETITIONS, UNBOUNDED, Either, One, Pattern, Repeated, Sequence

GRAMMAR = r"""
?start: either
either: every ("|" every)*
every: item*
?item: atom
     | atom TIMES -> repeated
?atom: CHARACTER -> one
     | GROUP either ")"
CHARACTER: /\[\^?\]?[^\]\[&]*\]|\\[.\-\/:_dDwW]|[^\\\[\](){}|*+?^$]/
GROUP: /\((\?:)?/
TIMES: /\*|\+|\?|\{\d{1,2}(,\d{0,2})?\}/
"""


class _TooDeepError(ValueError):
    """A repetition within a repetition: each level would multiply the time."""


def read(text: str) -> Pattern | None:
    """None for what the grammar does not know."""
    try:
        if sum(text.count(sign) for sign in "*+?{") > MOST_REPETITIONS:
            return None
        found: Pattern = PARSER.parse(text)  # type: ignore[assignment]  # what the Tree below makes of it
    except (LarkError, re.error, _TooDeepError):
        return None
    return found


class Tree(Transformer[Token, Pattern]):
    """Each rule of the grammar as what it matches."""

    def either(self, parts: list[Pattern]) -> Pattern:
        return Either(tuple(parts)) if len(parts) > 1 else parts[0]

    def every(self, parts: list[Pattern]) -> Pattern:
        return Sequence(tuple(parts))

    def one(self, items: list[str]) -> Pattern:
        return One(_characters(str(items[0])))

    def atom(self, items: list[Any]) -> Pattern:
        inner: Pattern = items[1]
        return inner

    def repeated(self, items: list[Any]) -> Pattern:
        part: Pattern = items[0]
        if _repeats(part):
            raise _TooDeepError
        least, most = _times(str(items[1]))
        return Repeated(part, least, most)


def _repeats(pattern: Pattern) -> bool:
    if isinstance(pattern, One):
        return False
    return isinstance(pattern, Repeated) or any(map(_repeats, pattern.parts))


def _characters(text: str) -> frozenset[str]:
    if text == ".":
        return ALPHABET
    if text[0] not in "[\\":
        return frozenset(text)
    # A class or an escape of one character: nothing to search, so the engine's time is no question.
    return frozenset(one for one in ALPHABET if re.fullmatch(text, one))


def _times(text: str) -> tuple[int, int]:
    if text in "*+?":
        return {"*": (0, UNBOUNDED), "+": (1, UNBOUNDED), "?": (0, 1)}[text]
    least, comma, most = text[1:-1].partition(",")
    return int(least), int(most or UNBOUNDED) if comma else int(least)


PARSER = Lark(GRAMMAR, parser="lalr", transformer=Tree())
