"""The grammar of ECS's cluster query language, and what each of its rules stands for."""

from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from berth.plan.cluster_query import And, Comparison, Expression, Not, Operator, Or

# After an operator the parser awaits an argument, so `in` or `exists` may be a value; an argument without quotes has
# neither spaces nor brackets, and only a pattern may hold parentheses, which have to be closed in it.
GRAMMAR = r"""
?start: or_
?or_: and_ (_OR and_)*            -> either
?and_: not_ (_AND not_)*          -> every
?not_: _NOT not_                  -> negated
     | "(" or_ ")"
     | SUBJECT EQUAL argument     -> equal
     | SUBJECT UNEQUAL argument   -> unequal
     | SUBJECT ORDER argument     -> ordered
     | SUBJECT _IN values           -> within
     | SUBJECT _NOT_IN values       -> without
     | SUBJECT _EXISTS            -> exists
     | SUBJECT _NOT_EXISTS        -> missing
     | SUBJECT _MATCHES pattern   -> matching
     | SUBJECT _NOT_MATCHES pattern -> unlike
values: "[" argument ("," argument)* "]"
argument: QUOTED | WORD
pattern: QUOTED | PATTERN

SUBJECT: /attribute:[A-Za-z0-9._\/\\-]+|task:group|[A-Za-z][A-Za-z0-9]*:?[A-Za-z0-9]*/
_OR.2: /\|\||or\b/i
_AND.2: /&&|and\b/i
_NOT.2: /!|not\b/i
EQUAL: /==|equals\b/
UNEQUAL: /!=|not_equals\b/
ORDER: />=|<=|>|<|(greater|less)_than(_equal)?\b/
_IN: /in\b/
_NOT_IN: /(!|not_)in\b/
_EXISTS: /exists\b/
_NOT_EXISTS: /(!|not_)exists\b/
_MATCHES: /=~|matches\b/
_NOT_MATCHES: /!~|not_matches\b/
QUOTED.2: /'[^']*'|"[^"]*"/
WORD: /[^\s()\[\],'"&|=<>!~]+/
PATTERN: /([^\s()&|'"]|\|(?!\|)|&(?!&)|\([^()]*\))+/
%ignore /\s+/
"""
ORDERS: dict[str, Operator] = {
    "greater_than": ">",
    "greater_than_equal": ">=",
    "less_than": "<",
    "less_than_equal": "<=",
    ">": ">",
    ">=": ">=",
    "<": "<",
    "<=": "<=",
}


def read(text: str) -> Expression | str:
    """The expression, or a sentence about where it goes wrong."""
    try:
        found: Expression = PARSER.parse(text)  # type: ignore[assignment]  # what the Tree below makes of it
    except UnexpectedInput as error:
        at, token = error.pos_in_stream, getattr(error, "token", None)
        if at is None or getattr(token, "type", "") == "$END":
            return "it ends too early"
        return f"character {at + 1} starts what cannot stand there: {text[at : at + 20]}"
    return found


class Tree(Transformer[Token, Expression]):
    """Each rule of the grammar as the tests that it stands for."""

    def either(self, parts: list[Expression]) -> Expression:
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def every(self, parts: list[Expression]) -> Expression:
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def negated(self, parts: list[Expression]) -> Expression:
        return _opposite(parts[0])

    def equal(self, items: list[str]) -> Expression:
        return Comparison(str(items[0]), "in", (items[2],))

    def unequal(self, items: list[str]) -> Expression:
        return Not(self.equal(items))

    def ordered(self, items: list[str]) -> Expression:
        return Comparison(str(items[0]), ORDERS[items[1]], (items[2],))

    def within(self, items: list[Any]) -> Expression:
        return Comparison(str(items[0]), "in", items[1])

    def without(self, items: list[Any]) -> Expression:
        return Not(self.within(items))

    def exists(self, items: list[str]) -> Expression:
        return Comparison(str(items[0]), "exists")

    def missing(self, items: list[str]) -> Expression:
        return Not(self.exists(items))

    def matching(self, items: list[str]) -> Expression:
        return Comparison(str(items[0]), "matches", (items[1],))

    def unlike(self, items: list[str]) -> Expression:
        return Not(self.matching(items))

    def values(self, items: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(items))

    def argument(self, items: list[str]) -> str:
        return _unquoted(items[0])

    def pattern(self, items: list[str]) -> str:
        return _unquoted(items[0])


def _opposite(part: Expression) -> Expression:
    return part.part if isinstance(part, Not) else Not(part)


def _unquoted(value: str) -> str:
    return str(value[1:-1] if value[:1] in {"'", '"'} else value)


PARSER = Lark(GRAMMAR, parser="lalr", transformer=Tree())
