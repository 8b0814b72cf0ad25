"""ECS's cluster query language: the text of an expression becomes a tree of tests on a container instance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Operator = Literal["in", "exists", "matches", ">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A subject (`attribute:stack`, `task:group`) compared with values."""

    subject: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """What a node must not be."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """All of these."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these."""

    parts: tuple["Expression", ...]


Expression = Comparison | Not | And | Or


def parse(text: str) -> Expression | str:
    """The expression, or a sentence about where it goes wrong."""
    # Most operators never see an expression, and the parser takes 14 MB.
    from berth.plan.cluster_query_grammar import read  # noqa: PLC0415  # the reason is above

    return read(text)


def comparisons(expression: Expression) -> Iterator[Comparison]:
    """Every test in an expression."""
    if isinstance(expression, Comparison):
        yield expression
        return
    for part in (expression.part,) if isinstance(expression, Not) else expression.parts:
        yield from comparisons(part)
