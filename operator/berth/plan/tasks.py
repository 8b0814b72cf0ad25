"""A Service's tasks: how many run on which provider now, how many should, and the Deployments that run them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from berth import names
from berth.api.service import ServiceSpec
from berth.plan import limits
from berth.plan.apart import (
    ALL_OF_THEM,
    NOBODY,
    Apart,
    Ground,
    Rest,
    attached,
    counted,
    done_with,
    removals,
    rest_of,
    tasks_apart,
)
from berth.plan.deployment_record import Deployment
from berth.plan.draining import draining_nodes, still_to_go
from berth.plan.fallback import Away, Route, at_home, away, fallen_back, leeway, look_again
from berth.plan.healthy import healthy, lasting
from berth.plan.movement import Goal, Standing, moved
from berth.plan.outcome import Child, Json, Mark, Removal
from berth.plan.placement import placed, selector_labels
from berth.plan.providers import Providers
from berth.plan.running_task import RunningTask, slot_of
from berth.plan.victims import Falling, marks
from berth.plan.world import World
from berth.resources import DEPLOYMENT

REVISION_HISTORY = 2


@dataclass(frozen=True, slots=True)
class Tasks:
    """Counts by provider."""

    desired: int
    """The Service's desired count."""
    wanted: dict[str, int]
    """Tasks that each provider of the strategy should run now."""
    leaving: dict[str, int]
    """Tasks still kept on providers that are no longer in the strategy, until others are healthy."""
    live: dict[str, Json]
    """The Deployments that exist, by provider."""
    kept: dict[str, int] = field(default_factory=dict[str, int])
    """Tasks kept beyond these on providers of the strategy, until the tasks that replace them are healthy."""
    dying: dict[str, int] = field(default_factory=dict[str, int])
    """Tasks on nodes that are about to go."""
    marks: tuple[Mark, ...] = ()
    """Which tasks go when a count falls."""
    away: dict[str, Away] = field(default_factory=dict[str, Away])
    """Of providers that have tasks on their fallback: how many, and since when."""
    again: timedelta | None = None
    """When a task has waited long enough, may come back, or is protected no more."""
    moving: str = ""
    """The task that goes for one in another zone."""
    apart: Apart = NOBODY
    """Tasks that no Deployment runs."""
    rest: Rest = ALL_OF_THEM
    """What these leave for the Deployments."""
    removals: tuple[Removal, ...] = ()
    """Of these, those that go."""


def made_from(deployment: Json) -> str:
    return str(deployment["metadata"].get("annotations", {}).get(names.DEPLOYMENT, ""))


def provider_of(deployment: Json) -> str:
    name = str(deployment["metadata"]["labels"][names.CAPACITY_PROVIDER])
    return "" if name == names.ANY_NODE else name


@dataclass(frozen=True, slots=True)
class Aim:
    """What tasks are to become, of one set of them."""

    record: str = ""
    """The deployment that is to run."""
    slot: str = names.FIRST_SLOT
    others: frozenset[str] = frozenset()
    """Slots of tasks that no other set counts."""
    exact: bool = False
    """The exact split was asked for, though tasks must move for it."""
    leaving: str = ""
    """The task that goes for one in another zone."""
    ahead: str = ""
    """A deployment whose first task runs while the others still wait."""


NOTHING = Aim()


def live_in(world: World, slot: str) -> dict[str, Json]:
    """The Deployments of one set of tasks, by provider."""
    return {provider_of(one): one for one in world.children(DEPLOYMENT) if slot_of(one) == slot}


def tasks_of(world: World, spec: ServiceSpec, providers: Providers, aim: Aim = NOTHING) -> Tasks:
    """What each provider should run next of one set of tasks, and which of these are to go when its count falls."""
    live = live_in(world, aim.slot)
    nodes = draining_nodes(world) if live else {}
    apart = tasks_apart(world, _ground(providers, aim, nodes), live)
    looks = nodes or providers.fallbacks or aim.leaving or any(apart.unnoted.values())
    running = attached(world, apart) if looks else {}
    dying = {one.name for name, mine in running.items() if providers.drains(name) for one in mine if one.node in nodes}
    out = dying | {aim.leaving}
    drained = {
        name: tuple(running.get(name, ())) if aim.leaving or (nodes and providers.drains(name)) else () for name in live
    }
    alone = {name: _standing(one, drained[name], out) for name, one in live.items()}
    standings = counted(alone, apart)
    staying = {
        name: [one for one in mine if one.node not in nodes and one.name != aim.leaving]
        for name, mine in running.items()
    }
    routes = _routes(providers, standings, live, staying)
    home = at_home(standings, routes)
    bounds = (spec.desired_count, spec.deployment_configuration, aim.exact)
    goal = Goal(providers.strategy, *bounds, _least(apart, routes), len(apart.out) + len(apart.ahead))
    step = moved(goal, home)
    fallen = fallen_back(step, home, routes, leeway(world.now, goal, step))
    rest = rest_of(fallen.step, apart, live, running)
    wanted = {name: count for name, count in rest.step.wanted.items() if count or name in step.wanted}
    numbers = {name: rest.step.count(name) for name in live}
    falling = Falling(live, numbers, out, _rolling_now(live, wanted, aim.record), rest.fresh)
    waits = (look_again(routes, fallen.away, world.now), apart.again(world.now))
    return Tasks(
        desired=spec.desired_count,
        wanted=wanted,
        kept={name: count for name, count in rest.step.kept.items() if name in wanted},
        leaving={name: rest.step.kept.get(name, 0) for name in live if name not in wanted},
        live=live,
        dying={name: count for name, one in alone.items() if (count := _dying(one, drained[name], dying))},
        marks=marks(world, falling, apart),
        away={name: state for name, state in fallen.away.items() if state.moved},
        again=min((one for one in waits if one is not None), default=None),
        moving=aim.leaving,
        apart=apart,
        rest=rest,
        removals=_removals(goal, apart, rest, standings),
    )


def _rolling_now(live: Mapping[str, Json], wanted: Collection[str], record: str) -> set[str]:
    """Deployments with tasks of two templates, or that are just being given another."""
    return {
        name
        for name, one in live.items()
        if _count(one, "updatedReplicas") != _count(one, "replicas") or (name in wanted and made_from(one) != record)
    }


def _ground(providers: Providers, aim: Aim, nodes: Collection[str]) -> Ground:
    where = {share.provider for share in providers.strategy} | {one.to for one in providers.fallbacks.values()}
    return Ground(aim.record, where, nodes, providers.drains, aim.slot, aim.others, aim.ahead)


def _least(apart: Apart, routes: Collection[Route]) -> dict[str, int]:
    """What each provider keeps because it is protected; those elsewhere for want of a place are no other's own."""
    least = apart.least()
    for route in routes:
        if route.fallback.to in least:
            least[route.fallback.to] = max(0, least[route.fallback.to] - route.before.moved)
    return least


def _removals(goal: Goal, apart: Apart, rest: Rest, standings: Mapping[str, Standing]) -> tuple[Removal, ...]:
    """Tasks apart that are needed no more, and what is left of those that have ended."""
    healthy = sum(one.ready for one in standings.values()) + sum(task.ready for task in apart.out)
    spare = healthy - len(rest.stopped) - limits.lowest(goal.desired, goal.configuration)
    resting = not any(one.rolling for one in standings.values())
    return removals((*apart.ended, *rest.stopped, *done_with(apart, spare, resting=resting)))


def _routes(
    providers: Providers,
    standings: Mapping[str, Standing],
    live: Mapping[str, Json],
    staying: Mapping[str, Collection[RunningTask]],
) -> list[Route]:
    """Where tasks may go for want of a place, and what is known of those that went."""
    return [
        Route(
            provider=name,
            fallback=fallback,
            before=away(live.get(name)),
            tasks=tuple(staying.get(name, ())),
            rests=fallback.to not in standings or standings[fallback.to].there == standings[fallback.to].count,
        )
        for name, fallback in providers.fallbacks.items()
    ]


def _standing(live: Json, tasks: Collection[RunningTask], out: Collection[str]) -> Standing:
    count = int(live["spec"].get("replicas", 0))
    dying, going = still_to_go(tasks, out, count)
    ready = sum(task.ready and task.name not in out for task in tasks) if tasks else healthy(live)
    there = max(count, _count(live, "replicas"))
    seen = _count(live, "observedGeneration") == live["metadata"].get("generation", 0)
    rolling = not seen or _count(live, "updatedReplicas") != _count(live, "replicas")
    return Standing(count, there, ready, dying, going, rolling)


def _dying(standing: Standing, tasks: Collection[RunningTask], dying: Collection[str]) -> int:
    """Tasks on nodes that are about to go; one that leaves for another zone is none of them."""
    return still_to_go(tasks, dying, standing.count)[0]


def deployments(world: World, spec: ServiceSpec, tasks: Tasks, past: Mapping[int, Deployment]) -> list[Child]:
    """A Deployment for each provider of the strategy, and for each that still has tasks to hand over."""
    current = past[max(past)]
    beyond = sum(tasks.kept.values()) + sum(tasks.leaving.values()) + len(tasks.apart.out) + len(tasks.apart.ahead)
    shares = limits.rolling_update(tasks.desired, tasks.wanted, spec.deployment_configuration, beyond)
    counts = {provider: count + tasks.kept.get(provider, 0) for provider, count in tasks.wanted.items()}
    made = [
        _saying(
            {
                **(state.annotation() if (state := tasks.away.get(provider)) else {}),
                **tasks.rest.notes.get(provider, {}),
            },
            _deployment(world, current, provider, {"replicas": count, **_rolling(shares[provider])}),
        )
        for provider, count in counts.items()
    ]
    by_name = {deployment.name(world.name): deployment for deployment in past.values()}
    for provider, count in tasks.leaving.items():
        live = tasks.live[provider]
        if count or _count(live, "replicas"):
            frozen = by_name.get(made_from(live), current)
            made.append(_deployment(world, frozen, provider, {"replicas": count, **_rolling(None)}))
    return made


def _deployment(world: World, deployment: Deployment, provider: str, numbers: Json) -> Child:
    name = names.of_slot(names.joined(world.name, provider), deployment.slot)
    return Child(DEPLOYMENT, name, workload(world, deployment, provider, numbers))


def workload(world: World, deployment: Deployment, provider: str, numbers: Json) -> Json:
    """What runs a frozen template on a provider, with these numbers in its spec."""
    template = placed(deployment.template, provider, deployment.placements.get(provider, {}), deployment.slot)
    labels = template["metadata"]["labels"]
    return {
        "metadata": {"labels": labels, "annotations": {names.DEPLOYMENT: deployment.name(world.name)}},
        "spec": {
            **numbers,
            **lasting(template, world.settings.healthy_seconds),
            "revisionHistoryLimit": REVISION_HISTORY,
            "selector": {"matchLabels": selector_labels(labels, provider, deployment.slot)},
            "template": template,
        },
    }


def _saying(noted: Json, child: Child) -> Child:
    """With what is to be remembered of tasks elsewhere, and of those that left."""
    if not noted:
        return child
    metadata = child.manifest["metadata"]
    annotations = {**metadata["annotations"], **noted}
    return replace(child, manifest={**child.manifest, "metadata": {**metadata, "annotations": annotations}})


def _rolling(share: dict[str, int] | None) -> Json:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": share or {"maxSurge": 1, "maxUnavailable": 0}}}


def _count(deployment: Json, field: str) -> int:
    return int(deployment.get("status", {}).get(field, 0))
