"""Where the tasks of a capacity provider go when it has no room for them, and how they come back."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from berth.api.schema import Shape

DURATION = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
_UNITS = {"h": 3600, "m": 60, "s": 1}

Duration = Annotated[str, Field(pattern=DURATION, min_length=2, max_length=21)]


def seconds(text: str) -> timedelta:
    """How long `1h30m` is."""
    return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([hms])", text)))


class Fallback(Shape):
    """Another provider for tasks that find no place here, for as long as that lasts."""

    to: Annotated[str, Field(pattern="^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
    """The CapacityProvider that takes them; Services need not name it in their strategy."""
    after: Duration = "5m"
    """How long a task waits here for a node before it starts there instead."""
    return_after: Duration = "30m"
    """For how long no task may have been without a place here before the first one comes back."""
    max_moving: Annotated[int, Field(ge=1, le=5000)] = 1
    """How many tasks of a Service come back at a time; the next follow when these are healthy."""
