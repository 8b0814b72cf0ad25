"""A figure as it is printed: one JSON object a line."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and what it is to reach."""

    figure: str
    value: float
    unit: str
    reach: float | None = None
    """At most this much: of the ratio where there is a floor, of the value elsewhere."""
    floor: float | None = None
    more: dict[str, Any] | None = None

    def line(self, count: int) -> str:
        ratio = round(self.value / self.floor, 3) if self.floor else None
        judged = self.value if ratio is None else ratio
        shown = {
            "figure": self.figure,
            "n": count,
            "value": round(self.value, 3),
            "unit": self.unit,
            "floor": round(self.floor, 3) if self.floor is not None else None,
            "ratio": ratio,
            "reach": self.reach,
            "reached": None if self.reach is None else judged <= self.reach,
        }
        return json.dumps(shown | (self.more or {}))


def share(values: Sequence[float], percent: int) -> float:
    """The value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)
