"""The time, as a parameter: tests run hours in milliseconds."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the engine reads the time. Waiting is asyncio's, on a loop that keeps the same monotonic time."""

    def now(self) -> datetime:
        """The wall clock, for what is written on objects."""
        ...

    def monotonic(self) -> float:
        """A clock that never jumps, for deadlines; the event loop's own."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
