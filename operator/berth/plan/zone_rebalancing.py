"""availabilityZoneRebalancing: in the steady state, one task at a time moves from the fullest zone to the emptiest.

A move is written down before it is acted on (which task goes, since when); from then on that task is on its way out, as
one on a dying node is: another starts, becomes healthy, and only then it stops. The scheduler chooses where the other
starts, and spreading is a preference to it. So each move is judged by what came of it: after one that brought nothing
the next waits, twice as long each time, and after a few nothing is tried until zones, or the number of tasks, change.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from berth.api.service import ServiceSpec
from berth.api.zone_rebalancing import ENABLED, ZoneRebalancing, ZoneTasks
from berth.plan import limits
from berth.plan.affinity import REQUIRED
from berth.plan.conditions import State
from berth.plan.deployment_record import Deployment
from berth.plan.moment import moment, written
from berth.plan.node_attribute import ZONE
from berth.plan.outcome import Event, Json
from berth.plan.placement import placed
from berth.plan.running_task import RunningTask, running_tasks
from berth.plan.tasks import Tasks
from berth.plan.world import World
from berth.plan.zone_events import completed, in_progress, in_vain, moved, started
from berth.plan.zones import zones_by_node, zones_for
from berth.resources import POD

PATIENCE = timedelta(minutes=15)
"""So long a task has to become healthy in another zone's place; then the move is given up."""
FIRST_WAIT = timedelta(minutes=10)
MOST_FAILURES = 5
LEAST_DIFFERENCE = 2
"""As in ECS: 2, 2 and 1 tasks are even, 3, 1 and 1 are not."""


@dataclass(frozen=True, slots=True)
class Move:
    """A task that could be replaced by one in a better zone."""

    task: RunningTask
    origin: str
    target: str


@dataclass(frozen=True, slots=True)
class Zones:
    """Where a Service's tasks are, and where they could be."""

    open: Mapping[str, frozenset[str]]
    """For each provider whose tasks are spread over zones: where it has nodes."""
    tasks: Mapping[str, Mapping[str, tuple[RunningTask, ...]]]
    """Tasks by provider and zone."""

    @property
    def counts(self) -> dict[str, int]:
        """All tasks by zone; zones without any, too."""
        found = Counter({zone: 0 for zones in self.open.values() for zone in zones})
        for by_zone in self.tasks.values():
            found.update({zone: len(tasks) for zone, tasks in by_zone.items()})
        return dict(sorted(found.items()))

    def move(self) -> Move | None:
        """From the fullest zone to the emptiest, as far as a provider's tasks can go there."""
        counts = self.counts
        pairs = [
            (counts[origin] - counts[target], origin, target, provider)
            for provider, zones in self.open.items()
            for target in zones
            for origin, tasks in self.tasks.get(provider, {}).items()
            if any(_may_go(task) for task in tasks) and counts[origin] - counts[target] >= LEAST_DIFFERENCE
        ]
        if not pairs:
            return None
        _, origin, target, provider = min(pairs, key=lambda pair: (-pair[0], *pair[1:]))
        return Move(min(filter(_may_go, self.tasks[provider][origin]), key=lambda task: task.name), origin, target)


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at."""

    spec: ServiceSpec
    deployment: Deployment
    """What is to run, as it was frozen."""
    tasks: Tasks
    steady: bool
    """All of its tasks run, and nothing else is under way."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan says of zones."""

    record: ZoneRebalancing | None = None
    events: tuple[Event, ...] = ()
    again: timedelta | None = None
    under_way: bool = False

    @property
    def shown(self) -> Json:
        if self.record is None:
            return {}
        return {"zoneRebalancing": self.record.model_dump(by_alias=True, exclude_none=True)}

    def state(self, world: World, state: State) -> State:
        """A Service whose task is on the move says so."""
        if self.record is None or not self.under_way or state.reason not in {"InProgress", "SteadyState"}:
            return state
        return State("Rebalancing", in_progress(world.name, _counts(self.record)))


def leaving(world: World, spec: ServiceSpec) -> str:
    """The task that is on its way out for another zone; empty when none is, or it has taken too long.

    It is the one that was written down, unless the scheduler has made another zone the fullest: then it is one of
    there, so that a move that helps nobody harms nobody either.
    """
    record = _remembered(world)
    if spec.availability_zone_rebalancing != ENABLED or record is None or record.task is None:
        return ""
    tasks = _by_zone(world)
    mine = next((zones for zones in tasks.values() if record.task in _names(zones)), None)
    if mine is None or not _left(world, record):
        return ""
    counts = Zones({}, tasks).counts
    ready = {
        zone: names
        for zone, found in mine.items()
        if (names := sorted(one.name for one in found if one.ready and _may_go(one)))
    }
    fullest = sorted(ready, key=lambda zone: (-counts[zone], zone))
    origin = next((zone for zone in mine if record.task in _names({zone: mine[zone]})), "")
    if not fullest or counts[fullest[0]] == counts[origin]:
        return record.task
    return ready[fullest[0]][0]


def rebalanced(world: World, look: Look) -> Step:
    """Judge the last move, and begin the next: in the steady state alone."""
    if look.spec.availability_zone_rebalancing != ENABLED:
        return Step()
    record, tasks = _remembered(world), look.tasks
    if record is not None and tasks.moving:
        return Step(record.model_copy(update={"task": tasks.moving}), (), _left(world, record), under_way=True)
    if not look.steady or tasks.away or tasks.dying or _is_stopping(world):
        # A task that is still stopping is waited for: they move one at a time.
        return Step(record)
    zones = _zones(world, look)
    judged = _judged(world, record, zones)
    move = zones.move()
    if move is None:
        done = (completed(world.name, zones.counts),) if record is not None else ()
        return Step(None, (*judged.events, *done))
    has_room = limits.highest(tasks.desired, look.spec.deployment_configuration) > tasks.desired
    return _next(world, judged, move, zones) if has_room else Step(judged.record, judged.events)


def _judged(world: World, record: ZoneRebalancing | None, zones: Zones) -> Step:
    """The record of the last move with what came of it; none where the next may begin at once."""
    if record is None:
        return Step()
    before, now = _counts(record), zones.counts
    other = before.keys() != now.keys() or sum(before.values()) != sum(now.values())
    better = _unevenness(now) < _unevenness(before)
    if other and before.keys() == now.keys() and (record.task or record.failed_attempts):
        # What came of it cannot be told. A number of tasks that goes up and down is no reason to try each time.
        return Step(record.model_copy(update={"task": None, "failed_attempts": 1, "zones": _listed(now)}))
    if other or better:
        return Step(None, moved(world.name, record) if record.task and not other else ())
    if record.task is None:
        return Step(record)
    failed = record.model_copy(update={"task": None, "failed_attempts": record.failed_attempts + 1})
    return Step(failed, (in_vain(world.name, record, _wait(failed)),))


def _next(world: World, judged: Step, move: Move, zones: Zones) -> Step:
    """The next move, or how long to wait for it."""
    record = judged.record
    wait = timedelta() if record is None else _wait(record)
    if record is not None and wait is None:
        return Step(record, judged.events)
    due = (moment(record.started_at) + (wait or timedelta()) - world.now) if record else timedelta()
    if due > timedelta():
        return Step(record, judged.events, due)
    begun = ZoneRebalancing(
        task=move.task.name,
        from_zone=move.origin,
        to_zone=move.target,
        started_at=written(world.now),
        failed_attempts=record.failed_attempts if record else 0,
        zones=record.zones if record else _listed(zones.counts),
    )
    first = () if _remembered(world) else (started(world.name, zones.counts),)
    # The next plan, which reads this in the status, acts on it.
    return Step(begun, (*judged.events, *first), timedelta())


def _wait(record: ZoneRebalancing) -> timedelta | None:
    """From the start of the last move; None: for good."""
    failures = record.failed_attempts
    return None if failures >= MOST_FAILURES else FIRST_WAIT * 2 ** max(0, failures - 1)


def _zones(world: World, look: Look) -> Zones:
    spread = [one for one in look.tasks.wanted if _is_spread(look.deployment, one)]
    return Zones({provider: zones_for(world, provider) for provider in spread}, _by_zone(world))


def _by_zone(world: World) -> dict[str, dict[str, tuple[RunningTask, ...]]]:
    """Tasks by provider and zone; those without a node, or on one that says no zone, are in none."""
    running = running_tasks(world)
    where = zones_by_node(world, (task.node for mine in running.values() for task in mine))
    found: dict[str, dict[str, tuple[RunningTask, ...]]] = {}
    for provider, mine in running.items():
        zones = found.setdefault(provider, {})
        for task in mine:
            if zone := where.get(task.node, ""):
                zones[zone] = (*zones.get(zone, ()), task)
    return found


def _may_go(task: RunningTask) -> bool:
    """Nobody has asked for its protection."""
    return not task.protection


def _names(zones: Mapping[str, tuple[RunningTask, ...]]) -> set[str]:
    return {task.name for found in zones.values() for task in found}


def _is_spread(deployment: Deployment, provider: str) -> bool:
    """Whether what runs, as it was frozen, is spread over zones first and could be in any of them."""
    where = deployment.placements.get(provider, {})
    if where.get("guaranteed"):
        # A Fargate profile places them, and goes by nothing that we could say.
        return False
    spec: Json = placed(deployment.template, provider, where)["spec"]
    first = [one["topologyKey"] for one in spec.get("topologySpreadConstraints", ())[:1]]
    return first == [ZONE] and ZONE not in _asked_labels(spec)


def _asked_labels(spec: Json) -> Iterator[str]:
    yield from spec.get("nodeSelector", {})
    affinity: Json = spec.get("affinity", {}).get("nodeAffinity", {})
    for term in affinity.get(REQUIRED, {}).get("nodeSelectorTerms", ()):
        yield from (one["key"] for one in term.get("matchExpressions", ()))


def _is_stopping(world: World) -> bool:
    return any("deletionTimestamp" in pod["metadata"] for pod in world.group(POD, world.name))


def _remembered(world: World) -> ZoneRebalancing | None:
    shown = world.subject.get("status", {}).get("zoneRebalancing")
    return ZoneRebalancing.model_validate(shown) if shown else None


def _left(world: World, record: ZoneRebalancing) -> timedelta | None:
    left = moment(record.started_at) + PATIENCE - world.now
    return left if left > timedelta() else None


def _listed(counts: Mapping[str, int]) -> list[ZoneTasks]:
    return [ZoneTasks(zone=zone, running_count=count) for zone, count in counts.items()]


def _counts(record: ZoneRebalancing) -> dict[str, int]:
    return {one.zone: one.running_count for one in record.zones}


def _unevenness(counts: Mapping[str, int]) -> int:
    """Falls with every move to a zone that has two tasks fewer, and never below nothing: so moves come to an end."""
    return sum(count * count for count in counts.values())
