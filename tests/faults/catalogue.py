"""All plans of all oracles, in one place."""

from collections.abc import Iterator

from faults import plans, plans_fleet, plans_run, plans_state
from faults.plans import Plan

ORACLES = {
    "O1": "converges from any start",
    "O2": "events in any order",
    "O3": "there and back again",
    "O4": "killed at every write and event",
    "O5": "stale lists and watches",
    "O6": "events lost, or last versions alone",
    "O7": "watches broken, deletes lost in a 410",
    "O8": "every write answered every way",
    "O9": "refused for ten minutes, then healed",
    "O10": "bad input changes nothing",
    "O11": "nothing leaks",
    "O12": "ownership and garbage",
    "O13": "quiet at rest, and after a restart",
    "O14": "no write too many",
    "O15": "no fights",
    "O16": "bad neighbours",
    "O17": "one leader writes",
    "O18": "watches that went silent",
    "O19": "status is true and monotonic",
    "O20": "upgrade and back restarts nothing",
}
_SOURCES = (
    plans_state.any_start,
    plans_state.rollbacks,
    plans_state.bad_input,
    plans_state.ownership,
    plans_run.leaks,
    plans_run.quiet,
    plans_run.bounded,
    plans_run.fights,
    plans_fleet.neighbours,
    plans_fleet.leaders,
    plans_fleet.upgrades,
    *plans.SOURCES,
)


def every(prefix: str = "") -> Iterator[Plan]:
    """The plans whose names start so; a name alone finds that plan."""
    found = [plan for source in _SOURCES for plan in source() if plan.name.startswith(prefix)]
    exact = [plan for plan in found if plan.name == prefix]
    yield from exact or found
