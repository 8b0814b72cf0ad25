"""The definitions in a document, and what is beside them."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from berth.fields import Verdict
from berth.importer.scaling import Scaling

Kind = Literal["task_definition", "service", "cluster", "cluster_capacity_providers", "capacity_provider"]


@dataclass(frozen=True)
class Part:
    """One definition in a document: where it stands, and the name that it has when it says none."""

    kind: Kind
    value: Any
    at: str = ""
    name: str = ""
    named: bool = False
    """True when somebody gave it the name, if not the definition itself."""
    bare: bool = False
    """True for containers alone."""
    scaling: tuple[Scaling, ...] = ()
    """Of a service in a template."""
    around: str = ""
    """Where the template stands to which the places of scaling belong."""

    def below(self, at: str) -> "Part":
        return replace(self, at=_below(at, self.at), around=_below(at, self.around))


@dataclass(frozen=True)
class Aside:
    """A part of a document that is no definition."""

    path: str
    note: str
    verdict: Verdict = "ignored"

    def below(self, at: str) -> "Aside":
        return replace(self, path=_below(at, self.path))


class NotEcsError(ValueError):
    """A document of something else."""


def _below(outer: str, inner: str) -> str:
    between = "." if outer and inner and not inner.startswith("[") else ""
    return f"{outer}{between}{inner}"
