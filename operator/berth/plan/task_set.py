"""A Service's sets of tasks: one as a rule, two while a deployment shifts traffic from the one to the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from berth import names
from berth.api.service import ServiceSpec
from berth.plan.apart import Ground, attached, noticed, replicas, tasks_apart
from berth.plan.daemon import daemon_sets, daemon_tasks
from berth.plan.deployment_record import Deployment
from berth.plan.halt import halted
from berth.plan.history import Past, before, is_halted
from berth.plan.lifecycle import Position
from berth.plan.outcome import Child, Json
from berth.plan.providers import Providers
from berth.plan.rebalance import asked_to_rebalance
from berth.plan.tasks import Aim, Tasks, deployments, live_in, made_from, tasks_of
from berth.plan.turns import in_turns
from berth.plan.world import World
from berth.plan.zone_rebalancing import leaving
from berth.resources import DAEMON_SET, DEPLOYMENT


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a Service asks for of each set."""

    spec: ServiceSpec
    providers: Providers
    others: frozenset[str] = frozenset()
    """Slots of tasks that nothing runs any more, as far as they stay for a while."""
    ahead: str = ""
    """A deployment whose first task runs while the others still wait."""


@dataclass(frozen=True, slots=True)
class TaskSet:
    """The tasks of one slot, and what runs them."""

    deployment: Deployment
    tasks: Tasks
    children: list[Child]


@dataclass(frozen=True, slots=True)
class Sets:
    """What runs: in the slot of the deployment that is to run, and beside it."""

    own: Deployment | None
    """That deployment; while it is held what ran there before, if anything did."""
    other: Deployment | None
    """What has, or had, the traffic before it; None when there is but one set."""

    @property
    def all(self) -> tuple[Deployment, ...]:
        return tuple(one for one in (self.other, self.own) if one is not None)


def sets_of(world: World, past: Past, running: Deployment, where: Position) -> Sets:
    """Which deployments have tasks."""
    own: Deployment | None = running
    if where.held:
        begun = running.strategy == "ROLLING" or live_in(world, running.slot)
        own = before(world, past, running, running.slot) if begun else None
    beside = names.other_slot(running.slot)
    live = live_in(world, beside)
    if not live or not where.keeps:
        return Sets(own, None)
    return Sets(own, before(world, past, running, beside) or _newest(world, past, beside, live.values()))


def task_set(world: World, asked: AskedFor, deployment: Deployment, past: Past) -> TaskSet:
    """What runs a deployment's tasks: Deployments, or DaemonSets for one task on each node."""
    spec, providers, slot = asked.spec, asked.providers, deployment.slot
    upto = {number: one for number, one in past.items() if number < deployment.number and one.slot == slot}
    upto |= {deployment.number: deployment}
    if spec.is_daemon:
        tasks = daemon_tasks(world, providers.strategy, deployment)
        children = daemon_sets(world, spec, tasks, upto)
    else:
        exact, name = bool(asked_to_rebalance(world)), deployment.name(world.name)
        aim = Aim(name, slot, asked.others, exact=exact, leaving=leaving(world, spec), ahead=asked.ahead)
        tasks = tasks_of(world, spec, providers, aim)
        children = deployments(world, spec, tasks, upto)
    children = in_turns(children, spec, tasks, deployment.name(world.name))
    if is_halted(world, deployment):
        children, tasks = halted(children, tasks), replace(tasks, removals=())
    return TaskSet(deployment, tasks, children)


def left_over(world: World, spec: ServiceSpec, past: Past, slot: str) -> list[Child]:
    """What runs in a slot that nothing is to run in any more: it stops, and goes when its tasks have.

    It stays for the moment in which its ReplicaSets let protected tasks go.
    """
    live = live_in(world, slot)
    mine = {number: one for number, one in past.items() if one.slot == slot}
    if not live or not mine:
        return []
    apart = tasks_apart(world, Ground("", (), (), lambda _: False, slot), {})
    there = attached(world, apart) if apart else {}
    counts = {
        name: replicas(one) if apart and replicas(one) and not noticed(one, there.get(name, ())) else 0
        for name, one in live.items()
    }
    return deployments(world, spec, Tasks(0, {}, counts, live), mine)


def running_records(world: World) -> set[str]:
    """The deployment records that what exists was made from."""
    return {made_from(one) for kind in (DEPLOYMENT, DAEMON_SET) for one in world.children(kind)}


def _newest(world: World, past: Past, slot: str, live: Iterable[Json]) -> Deployment | None:
    by_name: Mapping[str, Deployment] = {one.name(world.name): one for one in past.values() if one.slot == slot}
    found = [by_name[name] for name in map(made_from, live) if name in by_name]
    return max(found, key=lambda one: one.number, default=None)
