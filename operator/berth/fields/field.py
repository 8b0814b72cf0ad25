"""A field of ECS, and what becomes of it."""

from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["exact", "close", "refused", "ignored"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of ECS, or one call that has no table of its own."""

    call: str
    path: str
    verdict: Verdict
    note: str
    becomes: str = ""
    default: tuple[Any, ...] = ()
    """Values that ask for nothing beyond what happens anyway."""

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2].removesuffix("[]")
