"""Counters and gauges in Prometheus' text format: a few lines instead of a dependency with threads and a registry."""

from collections.abc import Callable, Mapping

Labels = tuple[tuple[str, str], ...]

BUCKETS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """All figures of one process."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, Callable[[], float]] = {}
        self._histograms: dict[str, list[float]] = {}
        self._help: dict[str, str] = {}

    def describe(self, name: str, text: str) -> None:
        """Say what a figure means; a counter described before it counts shows as 0."""
        self._help[name] = text

    def counter(self, name: str, text: str) -> None:
        """Show a counter without labels as 0 from the start, so that an alert has something to look at."""
        self.describe(name, text)
        self._counters.setdefault(name, {}).setdefault((), 0.0)

    def count(self, name: str, labels: Labels = (), by: float = 1) -> None:
        series = self._counters.setdefault(name, {})
        series[labels] = series.get(labels, 0.0) + by

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A figure that is asked when somebody looks."""
        self.describe(name, text)
        self._gauges[name] = read

    def observe(self, name: str, seconds: float) -> None:
        """Add a duration to a histogram: a counter for each bucket, the sum and the count."""
        cells = self._histograms.setdefault(name, [0.0] * (len(BUCKETS) + 2))
        for index, bound in enumerate(BUCKETS):
            if seconds <= bound:
                cells[index] += 1
        cells[-2] += seconds
        cells[-1] += 1

    def value(self, name: str, labels: Labels | None = None) -> float:
        """One counter's value, or the sum over its labels."""
        series = self._counters.get(name, {})
        return sum(series.values()) if labels is None else series.get(labels, 0.0)

    def text(self) -> str:
        lines: list[str] = []
        for name, series in sorted(self._counters.items()):
            lines += self._head(name, "counter")
            lines += [f"{name}{_braces(labels)} {_number(value)}" for labels, value in sorted(series.items())]
        for name, read in sorted(self._gauges.items()):
            lines += [*self._head(name, "gauge"), f"{name} {_number(read())}"]
        for name, cells in sorted(self._histograms.items()):
            lines += self._head(name, "histogram")
            bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
            counts = [*cells[:-2], cells[-1]]
            lines += [
                f'{name}_bucket{{le="{bound}"}} {_number(count)}' for bound, count in zip(bounds, counts, strict=True)
            ]
            lines += [f"{name}_sum {cells[-2]:.6f}", f"{name}_count {_number(cells[-1])}"]
        return "\n".join(lines) + "\n"

    def _head(self, name: str, kind: str) -> list[str]:
        text = [f"# HELP {name} {self._help[name]}"] if name in self._help else []
        return [*text, f"# TYPE {name} {kind}"]


def labels(values: Mapping[str, str]) -> Labels:
    return tuple(values.items())


def _braces(pairs: Labels) -> str:
    return "{" + ",".join(f'{key}="{_escape(value)}"' for key, value in pairs) + "}" if pairs else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
