"""Waiting on a condition with a deadline, never on the clock alone."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")
PAUSE = 0.1
LONG = 90.0
"""Nobody waits so long when all goes well; a small machine with cold caches may have to."""


def eventually(look: Callable[[], Seen | None], within: float = LONG, what: str = "") -> Seen:
    """The first truthy answer of `look`; past the deadline a failure that says what was seen last."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {what or look.__name__}; last seen: {seen!r}")
        time.sleep(PAUSE)
