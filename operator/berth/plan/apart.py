"""Tasks that no Deployment runs: a protected task leaves its Deployment, and the Service itself owns and counts it.

Kubernetes lets nobody say that a task must not be stopped. So a protected task leaves its ReplicaSet (its label
`pod-template-hash` goes, and its owner becomes the Service), which starts another in its place: it is the first that is
not needed. Once it is there, the ReplicaSet has surely let go, and the Deployment's count falls by one. The names of
those for which it fell stand on the Deployment, written by the request that changes the count.

When its time has passed such a task stays as it is, and goes before others when tasks must go.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from berth import names
from berth.plan.movement import Movement, Standing
from berth.plan.outcome import Json, Removal, Take
from berth.plan.pod_record import TEMPLATE_HASH, apart
from berth.plan.running_task import RunningTask, counts, running_tasks, slot_of, task_of
from berth.plan.task_protection import protected_until
from berth.plan.world import World
from berth.resources import POD

NOTHING = Standing(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where tasks may stay: of which deployment, on which providers, and not on which nodes."""

    record: str
    strategy: Collection[str]
    dying: Collection[str]
    drains: Callable[[str], bool]
    """Whether a provider's tasks are replaced before their nodes go."""
    slot: str = names.FIRST_SLOT
    """The set of tasks that is spoken of."""
    others: frozenset[str] = frozenset()
    """Slots of tasks that no other set counts."""
    ahead: str = ""
    """A deployment whose first task runs while the others still wait."""

    def has(self, pod: Json) -> bool:
        return slot_of(pod) in {self.slot, *self.others}


@dataclass(frozen=True, slots=True)
class Apart:
    """A Service's tasks that its Deployments do not run, or soon will not."""

    staying: Mapping[str, tuple[RunningTask, ...]] = field(default_factory=dict[str, tuple[RunningTask, ...]])
    """Of the deployment that is to run, by provider."""
    out: tuple[RunningTask, ...] = ()
    """On their way out: of another deployment, of a provider that left, or on a node that is about to go."""
    ahead: tuple[RunningTask, ...] = ()
    """The first task of a deployment whose others still wait."""
    parting: tuple[RunningTask, ...] = ()
    """Those of both that are still to leave their Deployment."""
    ended: tuple[RunningTask, ...] = ()
    """What is left of those that have ended."""
    until: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """When the protection of each protected task ends, by uid."""
    unnoted: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many a provider's Deployment has not been lowered for yet."""
    slot: str = names.FIRST_SLOT
    """The set of tasks that is spoken of."""

    def __bool__(self) -> bool:
        return bool(self.staying or self.out or self.ended)

    def left(self, provider: str) -> list[RunningTask]:
        """Those of a provider that stay and have left their Deployment already."""
        return [task for task in self.staying.get(provider, ()) if task not in self.parting]

    @property
    def alone(self) -> list[RunningTask]:
        """All that have left their Deployment already."""
        stay = [task for name in self.staying for task in self.left(name)]
        return [*stay, *self.ahead, *(task for task in self.out if task not in self.parting)]

    def least(self) -> dict[str, int]:
        """What each provider runs at least, because it may not be stopped."""
        return {name: sum(task.uid in self.until for task in tasks) for name, tasks in self.staying.items()}

    def again(self, now: datetime) -> timedelta | None:
        return min((until - now for until in self.until.values()), default=None)

    def takes(self) -> tuple[Take, ...]:
        return tuple(Take(POD, task.name, task.uid, (TEMPLATE_HASH,)) for task in self.parting)


NOBODY = Apart()


def tasks_apart(world: World, ground: Ground, live: Mapping[str, Json]) -> Apart:
    """Find them. A task on a node that is about to go leaves its Deployment no more: nothing would be won."""
    mine = [pod for pod in world.children(POD) if ground.has(pod)]
    detached = [task_of(pod) for pod in mine if counts(pod)]
    known = {pod["metadata"]["uid"] for pod in mine}
    said = [task_of(pod) for pod in world.group(POD, apart(world.name)) if counts(pod) and ground.has(pod)]
    parting = [
        task
        for task in said
        if task.uid not in known
        and task.hash
        and task.node not in ground.dying
        and protected_until(task.protection, world.now)
    ]
    until = {task.uid: protected_until(task.protection, world.now) for task in (*detached, *parting)}
    stays: dict[str, tuple[RunningTask, ...]] = {}
    out: list[RunningTask] = []
    ahead: list[RunningTask] = []
    for task in (*detached, *parting):
        if ground.ahead and task.deployment == ground.ahead != ground.record:
            ahead.append(task)
        elif _stays(task, ground):
            stays[task.provider] = (*stays.get(task.provider, ()), task)
        else:
            out.append(task)
    ended = [task_of(pod) for pod in mine if not counts(pod) and "deletionTimestamp" not in pod["metadata"]]
    return Apart(
        staying=stays,
        out=tuple(out),
        ahead=tuple(ahead),
        parting=tuple(parting),
        ended=tuple(ended),
        until={uid: one for uid, one in until.items() if one is not None},
        unnoted={name: sum(task.name not in _noted(live.get(name)) for task in mine) for name, mine in stays.items()},
        slot=ground.slot,
    )


def attached(world: World, apart: Apart) -> dict[str, list[RunningTask]]:
    """The tasks that the Deployments run, by provider."""
    gone = {pod["metadata"]["uid"] for pod in world.children(POD)} | {task.uid for task in apart.parting}
    found = running_tasks(world, apart.slot)
    return {name: [task for task in tasks if task.uid not in gone] for name, tasks in found.items()}


def counted(standings: Mapping[str, Standing], apart: Apart) -> dict[str, Standing]:
    """The standings with those apart; their Deployment's number is still without the change that follows."""
    found = dict(standings)
    for name, tasks in apart.staying.items():
        one = found.get(name, NOTHING)
        gone = apart.left(name)
        count = max(0, one.count - apart.unnoted[name]) + len(tasks)
        there = max(count, one.there + len(gone) - apart.unnoted[name])
        found[name] = replace(one, count=count, there=there, ready=one.ready + sum(task.ready for task in gone))
    return found


@dataclass(frozen=True, slots=True)
class Rest:
    """What those apart leave for the Deployments to run."""

    step: Movement
    stopped: tuple[RunningTask, ...] = ()
    """Tasks apart that are no longer needed, and may be stopped."""
    apart: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many of a provider's tasks no Deployment runs."""
    fresh: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many tasks a Deployment started in the place of those that left it, and are to go now."""
    notes: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """The annotation that goes with a Deployment's count."""


ALL_OF_THEM = Rest(Movement({}, {}))


def rest_of(
    step: Movement, apart: Apart, live: Mapping[str, Json], attached: Mapping[str, Collection[RunningTask]]
) -> Rest:
    """Take those apart off the counts of all tasks."""
    wanted, kept = dict(step.wanted), dict(step.kept)
    stopped: list[RunningTask] = []
    fresh: dict[str, int] = {}
    notes: dict[str, Json] = {}
    stay: dict[str, int] = {}
    for name, tasks in apart.staying.items():
        one = live.get(name)
        total, unnoted = step.count(name), apart.unnoted[name]
        own = max(0, replicas(one) - unnoted)
        free = sorted((each for each in apart.left(name) if each.uid not in apart.until), key=_order)
        gone = free[: max(0, own + len(tasks) - total)]
        stopped += gone
        stay[name] = len(tasks) - len(gone)
        left = max(0, total - stay[name])
        held = unnoted if one and not noticed(one, attached.get(name, ())) else 0
        fresh[name] = unnoted - held
        wanted[name] = min(left, max(0, step.wanted.get(name, 0) - stay[name]))
        kept[name] = left - wanted[name] + held
        notes[name] = _note(tasks, one, held=bool(held))
    return Rest(Movement(wanted, kept), tuple(stopped), stay, fresh, notes)


def noticed(live: Json, attached: Collection[RunningTask]) -> bool:
    """Whether the ReplicaSet has filled up its number again, or cannot: so it knows who has left it."""
    conditions = live.get("status", {}).get("conditions", [])
    failed = any(one["type"] == "ReplicaFailure" and one["status"] == "True" for one in conditions)
    return failed or len(attached) >= replicas(live)


def _note(tasks: Collection[RunningTask], live: Json | None, *, held: bool) -> Json:
    """For whom the count fell, or is falling with this very request."""
    there = {task.name for task in tasks}
    noted = sorted(there & _noted(live) if held else there)
    return {names.DETACHED: ",".join(noted)} if noted else {}


def replicas(live: Json | None) -> int:
    return int(live["spec"].get("replicas", 0)) if live else 0


def _order(task: RunningTask) -> tuple[bool, str]:
    return (task.ready, task.name)


def removals(tasks: Collection[RunningTask]) -> tuple[Removal, ...]:
    return tuple(Removal(POD, task.name, task.uid) for task in tasks)


def done_with(apart: Apart, spare: int, *, resting: bool) -> Iterator[RunningTask]:
    """Those on their way out that may be stopped: the unready, and as many healthy ones as are not missed."""
    for task in apart.out:
        if task.uid in apart.until:
            continue
        if not task.ready:
            yield task
        elif resting and spare > 0:
            spare -= 1
            yield task


def _stays(task: RunningTask, ground: Ground) -> bool:
    return (
        task.deployment == ground.record
        and task.provider in ground.strategy
        and not (task.node in ground.dying and ground.drains(task.provider))
    )


def _noted(live: Json | None) -> set[str]:
    text = str(live["metadata"].get("annotations", {}).get(names.DETACHED, "")) if live else ""
    return set(filter(None, text.split(",")))
