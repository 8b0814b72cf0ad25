"""Tasks that find no place on their provider start on its fallback, and come back when it has had room again.

What is moved is written on the Deployment of the provider that they belong to, in the same request that changes its
count: a restart, or a crash between any two requests, loses nothing. To the strategy they stay tasks of that provider.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from berth import names
from berth.api.fallback import Fallback, seconds
from berth.plan import limits
from berth.plan.moment import moment, written
from berth.plan.movement import Goal, Movement, Standing
from berth.plan.outcome import Json
from berth.plan.running_task import RunningTask

NOTHING = Standing(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Away:
    """The tasks of one provider that run on its fallback."""

    moved: int = 0
    returning: int = 0
    """Of these, how many were started at home and are waited for."""
    waited: datetime | None = None
    """When a task was last given up on for want of a place."""

    def annotation(self) -> Json:
        if not self.moved or self.waited is None:
            return {}
        waited = written(self.waited)
        said = {"moved": self.moved, "returning": self.returning, "waited": waited}
        return {names.FALLBACK: json.dumps(said, separators=(",", ":"))}


def away(deployment: Json | None) -> Away:
    """What a provider's Deployment says about its tasks elsewhere."""
    text = deployment["metadata"].get("annotations", {}).get(names.FALLBACK) if deployment else None
    if not text:
        return Away()
    said = json.loads(text)
    return Away(int(said["moved"]), int(said["returning"]), moment(said["waited"]))


@dataclass(frozen=True, slots=True)
class Route:
    """A provider whose tasks may go elsewhere, and what is known of them."""

    provider: str
    fallback: Fallback
    before: Away
    tasks: Sequence[RunningTask]
    """Its tasks at home, but for those on nodes that are about to go."""
    rests: bool = True
    """Where they go to, nothing is being stopped that was lowered already."""


def at_home(standings: Mapping[str, Standing], routes: Sequence[Route]) -> dict[str, Standing]:
    """The standings as if every task were on the provider that it belongs to."""
    found = dict(standings)
    for route in reversed(routes):
        moved, home, there = route.before.moved, route.provider, route.fallback.to
        if not moved:
            continue
        host = found.get(there, NOTHING)
        own = max(0, host.count - moved)
        healthy = max(0, min(moved, host.ready - own))
        found[there] = replace(host, count=own, there=max(0, host.there - moved), ready=host.ready - healthy)
        one = found.get(home, NOTHING)
        count = one.count - route.before.returning + moved
        found[home] = replace(one, count=count, there=max(count, one.there), ready=one.ready + healthy)
        if not own and not found[there].dying:
            del found[there]
    return found


@dataclass(frozen=True, slots=True)
class Leeway:
    """The time, and how far the number of tasks may stray from what is desired for a moment."""

    now: datetime
    more: int
    fewer: int


def leeway(now: datetime, goal: Goal, step: Movement) -> Leeway:
    """What a step leaves of the limits."""
    most, least = limits.highest(goal.desired, goal.configuration), limits.lowest(goal.desired, goal.configuration)
    return Leeway(now, most - sum(step.wanted.values()) - sum(step.kept.values()), goal.desired - least)


@dataclass(frozen=True, slots=True)
class Fallen:
    """The counts as the Deployments get them, and what is to be written about tasks elsewhere."""

    step: Movement
    away: dict[str, Away]


def fallen_back(step: Movement, standings: Mapping[str, Standing], routes: Sequence[Route], leeway: Leeway) -> Fallen:
    """The step of tasks at home (`standings` being as if all were), with those elsewhere counted where they run."""
    wanted, kept = dict(step.wanted), dict(step.kept)
    found: dict[str, Away] = {}
    present = {name: one.count - one.dying for name, one in standings.items()}
    for route in routes:
        home, there = route.provider, route.fallback.to
        state = _next(route, wanted.get(home, 0), present.get(home, 0), leeway)
        found[home] = state
        present[there] = present.get(there, 0) + route.before.moved
        if state.moved or route.before.moved:
            wanted[home] -= state.moved
            wanted[there] = wanted.get(there, 0) + state.moved
            kept[home] = kept.get(home, 0) + state.returning
    return Fallen(Movement(wanted, kept), found)


def _next(route: Route, wanted: int, present: int, leeway: Leeway) -> Away:
    """What becomes of a provider's tasks elsewhere, when it has so many in all and should have so many."""
    before = route.before
    # What is elsewhere for want of a place goes first when fewer are wanted.
    moved = max(0, before.moved - max(0, present - wanted))
    back = min(before.returning, moved)
    asked = wanted - moved + back
    # One too many for the count is about to go, and it is one without a place that goes first.
    stranded = max(0, len(_overdue(route, leeway.now)) - max(0, len(route.tasks) - asked))
    if stranded:
        return Away(min(wanted, moved + max(0, stranded - back)), 0, leeway.now)
    settled = sum(task.ready for task in route.tasks) >= asked
    if back and not settled:
        return replace(before, moved=moved, returning=back)
    if back:
        # The next follow when these have stopped elsewhere: no more are on their way at a time.
        return replace(before, moved=moved - back, returning=0)
    return _returning(route, replace(before, moved=moved, returning=0), leeway, settled=settled)


def look_again(routes: Sequence[Route], after: Mapping[str, Away], now: datetime) -> timedelta | None:
    """When the next of these clocks runs out."""
    waits: list[timedelta] = []
    for route in routes:
        due = [task.waits_since + seconds(route.fallback.after) for task in route.tasks if task.waits_since]
        state = after[route.provider]
        if state.moved and not state.returning and state.waited:
            due.append(state.waited + seconds(route.fallback.return_after))
        waits += [moment - now for moment in due if moment > now]
    return min(waits, default=None)


def _overdue(route: Route, now: datetime) -> list[RunningTask]:
    limit = now - seconds(route.fallback.after)
    return [task for task in route.tasks if task.waits_since is not None and task.waits_since <= limit]


def _returning(route: Route, state: Away, leeway: Leeway, *, settled: bool) -> Away:
    """The next tasks come back once nobody has been without a place for long enough.

    They are started before those elsewhere stop, where more tasks are allowed; where none are, the others stop first.
    """
    waits = any(task.waits_since for task in route.tasks)
    if not state.moved or state.waited is None or waits or not route.rests:
        return state
    if leeway.now - state.waited < seconds(route.fallback.return_after):
        return state
    most = min(state.moved, route.fallback.max_moving)
    if leeway.more > 0:
        return replace(state, returning=min(most, leeway.more))
    return replace(state, moved=state.moved - min(most, leeway.fewer)) if settled else state
