"""Where a deployment stands in its lifecycle, and what takes it on.

The stage stands in the Service's status. The plan that finds a stage over changes the status alone, and the next one,
which reads it there, acts on the new stage: an operator that starts anew goes on where it was.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from berth.api.service import ServiceSpec
from berth.api.service_deployment import LifecycleStage, ServiceDeployment
from berth.plan import alarms, lifecycle_hook
from berth.plan.first_task import first_task
from berth.plan.lifecycle_stage import ALL, HELD, OPEN, STAGES, TESTED, Answer, Gate, Underway
from berth.plan.moment import moment, written
from berth.plan.outcome import Child
from berth.plan.traffic_shift import next_percent, step_bake_time
from berth.plan.world import World

GATES: dict[LifecycleStage, tuple[Gate, ...]] = {
    "PRE_SCALE_UP": (lifecycle_hook.gate, first_task),
    "POST_SCALE_UP": (lifecycle_hook.gate,),
    "BAKE_TIME": (alarms.gate,),
}
"""By stage, in order: a gate is asked once those before it are open. The deployment leaves a stage when all are."""
OF_ROLLING: tuple[LifecycleStage, ...] = ("RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "BAKE_TIME")
OF_A_WAY_BACK: tuple[LifecycleStage, ...] = ("PRODUCTION_TRAFFIC_SHIFT", "CLEAN_UP")
ACTING: frozenset[LifecycleStage] = frozenset(
    {"SCALE_UP", "TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "CLEAN_UP"}
)
"""Stages in which something is done: they are never passed in the plan that reaches them."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the deployment that is to run stands."""

    underway: Underway
    since: str = ""
    """When it came there; a shift of production traffic counts from when all is shifted, and has none before."""
    shown: bool = False
    """The status tells the stage: something of the lifecycle is asked for."""
    over: bool = False
    """Nothing holds it up: it has completed or failed, or stands in for another and shifts nothing."""
    keeps: bool = True
    """Tasks of the other set stay."""

    @property
    def held(self) -> bool:
        """None of its tasks may start yet."""
        return self.underway.stage in HELD


@dataclass(frozen=True, slots=True)
class Seen:
    """What the cluster shows of a deployment."""

    settled: bool
    """All of its tasks run, and no other's do in its set; its routes are taken."""
    shifted: bool = True
    """Addresses and routes lead where they should, and Gateways have taken them."""
    alone: bool = True
    """The other set has no tasks any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of the stage that a deployment is in."""

    stage: LifecycleStage | None = None
    """The stage as the status tells it from now on."""
    since: str | None = None
    done: bool = True
    """Nothing holds the deployment up any more."""
    waits: str = ""
    failed: str = ""
    again: timedelta | None = None
    children: tuple[Child, ...] = ()
    test: float | None = None
    production: float | None = None
    """Percent of the traffic that its tasks are to have, where there are two sets of them."""


def bake_time(spec: ServiceSpec) -> timedelta | None:
    """How long a deployment is watched once its tasks run; None when nobody asks for it."""
    minutes = spec.deployment_configuration.bake_time_in_minutes
    if minutes is None and alarms.enabled(spec) is not None:
        minutes = alarms.BAKE_MINUTES
    return None if minutes is None else timedelta(minutes=minutes)


def position(world: World, underway: Underway, entry: ServiceDeployment | None) -> Position:
    """Where a deployment stands that the status remembers (`entry`), or that begins now."""
    if entry is None:
        first = _first(world, underway)
        shown = first in HELD or underway.shifts or bake_time(underway.spec) is not None
        return Position(replace(underway, stage=first), written(world.now), shown, over=underway.back)
    stage, since = entry.lifecycle_stage, entry.lifecycle_stage_since or ""
    percent = entry.requested_production_traffic_weight or 0
    at = replace(underway, stage=stage or "SCALE_UP", percent=percent)
    if entry.rollout_state != "IN_PROGRESS":
        return Position(at, since, over=True, keeps=entry.rollout_state == "FAILED")
    shown = stage is not None or (bake_time(underway.spec) is not None and not underway.back)
    since = since if stage else written(world.now)
    return Position(at, since, shown, over=underway.back and stage is None, keeps=stage != "CLEAN_UP")


def step(world: World, where: Position, seen: Seen) -> Step:
    """On through all stages that are over."""
    if where.over:
        return Step()
    at, since, shown = where.underway, where.since, where.shown
    children: tuple[Child, ...] = ()
    while True:
        if not since and _is_reached(at, seen):
            since = written(world.now)
        answer = _answer(world, at, moment(since) if since else world.now, seen)
        children += answer.children
        following = _following(at, seen)
        if not answer.is_open:
            return replace(_told(at, since, shown, answer), children=children)
        if following is None:
            # Where its tasks are not all as they should be it stays in its last stage.
            return replace(_told(at, since, shown, answer), children=children, done=True)
        shown = shown or following.stage != "SCALE_UP"
        at, since = following, "" if following.stage == "PRODUCTION_TRAFFIC_SHIFT" else written(world.now)
        if at.stage in ACTING:
            return replace(_told(at, since, shown, Answer(again=timedelta())), children=children)


def _told(at: Underway, since: str, shown: bool, answer: Answer) -> Step:  # noqa: FBT001  # whether the stage is shown
    test = ALL if at.stage in TESTED else 0.0
    weights = (test, at.percent) if at.shifts or at.back else (None, None)
    stage = at.stage if shown else None
    return Step(stage, since or None, False, answer.waits.strip(), answer.failed, answer.again, (), *weights)  # noqa: FBT003


def _following(at: Underway, seen: Seen) -> Underway | None:
    """The stage after this one; traffic that is shifted in part goes on to the next part."""
    if at.stage == "PRODUCTION_TRAFFIC_SHIFT" and at.percent < ALL and not at.back:
        return replace(at, stage="PRE_PRODUCTION_TRAFFIC_SHIFT")
    stages = OF_A_WAY_BACK if at.back else STAGES if at.shifts else OF_ROLLING
    ahead = stages[stages.index(at.stage) + 1 :]
    if not ahead:
        return None
    if ahead[0] != "PRODUCTION_TRAFFIC_SHIFT":
        return replace(at, stage=ahead[0])
    # Alone it has all of the traffic anyway.
    return replace(at, stage=ahead[0], percent=ALL if seen.alone else next_percent(at))


def _first(world: World, underway: Underway) -> LifecycleStage:
    """The stage that a new deployment begins in: the first in which something holds it up."""
    for stage in STAGES:
        if stage not in HELD or not _gates(world, replace(underway, stage=stage)).is_open:
            return stage
    raise AssertionError(STAGES)


def _answer(world: World, at: Underway, since: datetime, seen: Seen) -> Answer:
    """What keeps a deployment in its stage: the cluster, a gate, or the time."""
    if not _is_reached(at, seen):
        # Why it is not, the Service's condition says.
        return Answer(waits=" ")
    answer = OPEN if at.back else _gates(world, at)
    left = since + _lasts(world, at, seen) - world.now
    if not answer.is_open or left <= timedelta():
        return answer
    return replace(answer, waits=_until(at, written(world.now + left)), again=left)


def _is_reached(at: Underway, seen: Seen) -> bool:
    """Whether the cluster shows what the stage is for."""
    if at.stage == "CLEAN_UP":
        return seen.shifted and seen.alone
    if at.back or at.stage in HELD:
        return at.stage in HELD or seen.shifted
    return seen.settled and seen.shifted


def _lasts(world: World, at: Underway, seen: Seen) -> timedelta:
    """How long a stage lasts at least. So that nobody is led to tasks, or from them, before all have heard of it."""
    heard = timedelta() if seen.alone else timedelta(seconds=world.settings.deregistration_seconds)
    if at.stage == "PRODUCTION_TRAFFIC_SHIFT":
        return heard if at.back or at.percent >= ALL else max(heard, step_bake_time(at))
    if at.stage == "BAKE_TIME":
        return bake_time(at.spec) or timedelta()
    return heard if at.stage == "POST_SCALE_UP" and at.shifts else timedelta()


def _until(at: Underway, then: str) -> str:
    if at.stage == "BAKE_TIME":
        return f"BAKE_TIME: it is watched until {then}"
    if at.stage == "PRODUCTION_TRAFFIC_SHIFT" and at.percent < ALL:
        return f"PRODUCTION_TRAFFIC_SHIFT: {at.percent:g} percent of the requests go to its tasks, more after {then}"
    return f"{at.stage}: until {then}, when all have heard of it"


def _gates(world: World, at: Underway) -> Answer:
    """What the gates of its stage say: the first that is not open, with what all up to it need."""
    children: tuple[Child, ...] = ()
    for gate in GATES.get(at.stage, ()):
        answer = gate(world, at)
        children += answer.children
        if not answer.is_open:
            return replace(answer, children=children)
    return replace(OPEN, children=children)
