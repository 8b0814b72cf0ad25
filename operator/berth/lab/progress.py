"""Progress of long steps on stderr: a live line on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

# How often a log without a terminal hears of a step that goes on.
PLAIN_SECONDS = 30.0


class Report(Protocol):
    """Takes the newest sentence about a running step."""

    def __call__(self, text: str, /) -> None: ...


@contextmanager
def step(title: str) -> Generator[Report]:
    """Show a step from its begin to its end; the yielded function changes what the line says."""
    if sys.stderr.isatty():
        with _live(title) as report:
            yield report
    else:
        with _plain(title) as report:
            yield report


@contextmanager
def _live(title: str) -> Generator[Report]:
    from rich.console import Console  # noqa: PLC0415 (rich is slow to import and only needed on a terminal)

    console = Console(stderr=True)
    started = time.monotonic()
    with console.status(title) as status:
        yield lambda text: status.update(f"{title}: {text}")
    console.print(f"[green]✓[/] {title} [dim]({time.monotonic() - started:.0f} s)[/]")


@contextmanager
def _plain(title: str) -> Generator[Report]:
    started = last = time.monotonic()
    print(f"{title} ...", file=sys.stderr, flush=True)  # noqa: T201 (stderr is where progress goes)

    def report(text: str, /) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PLAIN_SECONDS:
            last = now
            print(f"  {now - started:.0f} s: {text}", file=sys.stderr, flush=True)  # noqa: T201

    yield report
    print(f"  done: {title} ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)  # noqa: T201
