"""Which tasks go when a Deployment's count falls: of the fullest zone, there of the fullest node, the youngest.

Kubernetes asks nobody: its ReplicaSet takes tasks that are not ready first, then those of the lowest deletion cost. So
the chosen ones are marked just before the count falls, and nothing is written on the others.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from berth.plan.apart import Apart, attached, replicas
from berth.plan.outcome import Json, Mark
from berth.plan.pod_record import apart as group
from berth.plan.running_task import RunningTask, counts, slot_of, task_of
from berth.plan.world import World
from berth.plan.zones import zones_by_node
from berth.resources import POD


@dataclass(frozen=True, slots=True)
class Falling:
    """The Deployments, and what they are asked for next."""

    live: Mapping[str, Json]
    numbers: Mapping[str, int]
    out: Collection[str]
    """Tasks that go before others: on nodes that are about to go, or for one in another zone."""
    rolling: Collection[str]
    """Deployments between two templates: who goes there is not ours to say."""
    fresh: Mapping[str, int]
    """How many tasks were started in place of protected ones, and go now."""


def marks(world: World, falling: Falling, apart: Apart) -> tuple[Mark, ...]:
    """Those that go with a count that falls; a mark that outlived its reason is taken back."""
    chosen: dict[str, RunningTask] = {}
    lowered = {name for name, one in falling.live.items() if 0 < falling.numbers[name] < replicas(one)}
    if lowered - set(falling.rolling):
        tasks = attached(world, apart)
        crowd = Crowd(world, (*(one for mine in tasks.values() for one in mine), *apart.alone))
        for name in sorted(lowered - set(falling.rolling)):
            mine = tasks.get(name, [])
            number, fresh = len(mine) - falling.numbers[name], falling.fresh.get(name, 0)
            # Kubernetes takes those without a node before all others, whatever is said of them.
            chosen |= {one.uid: one for one in crowd.chosen(mine, number, falling.out, fresh) if one.node}
    marked = world.group(POD, group(world.name))
    said = [task_of(pod) for pod in marked if counts(pod) and slot_of(pod) == apart.slot]
    stale = [one for one in said if one.chosen and one.uid not in chosen and _is_over(one, falling)]
    return (*(one.mark(chosen=True) for one in chosen.values()), *(one.mark(chosen=False) for one in stale))


def _is_over(task: RunningTask, falling: Falling) -> bool:
    """Nothing is being stopped that this task was chosen for."""
    live = falling.live.get(task.provider)
    if live is None or task.name in falling.out:
        return False
    status = live.get("status", {})
    seen = status.get("observedGeneration") == live["metadata"].get("generation")
    return bool(seen and status.get("replicas", 0) <= replicas(live))


class Crowd:
    """A Service's tasks as they lie on zones and nodes, fewer with each that is chosen."""

    def __init__(self, world: World, tasks: Iterable[RunningTask]) -> None:
        all_of_them = list(tasks)
        self._zones = zones_by_node(world, (task.node for task in all_of_them))
        self._in_zone = Counter(self._zone(task) for task in all_of_them)
        self._on_node = Counter(task.node for task in all_of_them)

    def chosen(
        self, tasks: Collection[RunningTask], count: int, out: Collection[str], fresh: int = 0
    ) -> list[RunningTask]:
        """So many of a Deployment's tasks: those on their way out before all others, unready ones before healthy.

        The first of them, as many as `fresh`, have only just been started for want of others: the youngest.
        """
        left = sorted(tasks, key=lambda one: (one.born, one.name), reverse=True)
        found: list[RunningTask] = []
        while left and len(found) < count:
            # Of those that are alike, min takes the first: the youngest.
            rank = _by_age if len(found) < fresh else self._by_place
            next_one = min(left, key=lambda one: (*_first(one, out), *rank(one)))
            left.remove(next_one)
            found.append(next_one)
            self._in_zone[self._zone(next_one)] -= 1
            self._on_node[next_one.node] -= 1
        return found

    def _by_place(self, task: RunningTask) -> tuple[int, int]:
        return (-self._in_zone[self._zone(task)], -self._on_node[task.node])

    def _zone(self, task: RunningTask) -> str:
        return self._zones.get(task.node, "")


def _first(task: RunningTask, out: Collection[str]) -> tuple[bool, bool, bool]:
    """Who goes whatever else is true: whom Kubernetes takes first, and whose node takes it along."""
    return (not task.chosen, task.name not in out, task.ready)


def _by_age(_: RunningTask) -> tuple[int, int]:
    return (0, 0)
