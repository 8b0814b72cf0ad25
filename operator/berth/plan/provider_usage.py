"""What a capacity provider has and what runs there: the figures of describe-capacity-providers and of its metric.

Counted over all namespaces. A task takes room on the node that it is on, whichever provider brought it there.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from berth import names
from berth.plan import quantity
from berth.plan.draining import is_interrupted
from berth.plan.outcome import Json
from berth.plan.pod_record import ENDED, FOR_A_NODE
from berth.plan.preset import Pool, belongs, takes_tasks
from berth.plan.task_size import MILLI, Size
from berth.plan.world import World
from berth.plan.zones import zone_of
from berth.resources import NODE, POD

HUNDRED = 100
NO_NODES = 2 * HUNDRED
MEBIBYTE = 1 << 20
DAEMON = "DaemonSet"
MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Usage:
    """The nodes of a provider and its tasks."""

    nodes: int
    allocatable: Size
    reserved: Size
    """What tasks on these nodes ask for, those of other providers and of none included."""
    running: int
    waiting: int
    """Tasks of this provider for which the scheduler finds no node."""
    reservation: int
    """CapacityProviderReservation: nodes that the tasks need, in percent of the nodes that there are."""
    interrupted: tuple[str, ...]
    """Nodes that their platform is taking away."""
    zones: tuple[str, ...] = ()
    """Where the nodes are."""

    def shown(self, before: Json) -> Json:
        """With what was shown before: an interruption is counted once, when its notice is first seen."""
        known = before.get("interruptedNodes", [])
        seen = int(before.get("interruptions", 0)) + sum(name not in known for name in self.interrupted)
        return {
            "nodes": self.nodes,
            **({"zones": [*self.zones]} if self.zones else {}),
            "allocatable": _resources(self.allocatable),
            "reserved": _resources(self.reserved),
            "runningTasksCount": self.running,
            "waitingTasksCount": self.waiting,
            "capacityProviderReservation": self.reservation,
            "interruptions": seen,
            "interruptedNodes": [*self.interrupted],
        }


def usage_of(world: World, pool: Pool) -> Usage:
    """Looks at every node and at every task of the cluster."""
    theirs = {node["metadata"]["name"]: node for node in world.lookup.every(NODE) if belongs(node, pool)}
    usable = {name: _allocatable(node) for name, node in theirs.items() if takes_tasks(node, pool)}
    cpu, memory, running, busy = 0, 0, 0, set[str]()
    waiting: Counter[Size] = Counter()
    for pod in world.lookup.every(POD):
        labels, spec, status = pod["metadata"]["labels"], pod["spec"], pod["status"]
        if names.SERVICE not in labels or status.get("phase") in ENDED:
            continue
        mine, where = labels.get(names.CAPACITY_PROVIDER) == world.name, spec.get("nodeName")
        if where in theirs:
            cpu, memory = cpu + spec["size"][0], memory + spec["size"][1]
            if not _is_daemon(pod):
                busy.add(where)
        if mine and where:
            running += status.get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
        elif mine and _waits(pod):
            waiting[Size(*spec["size"])] += 1
    return Usage(
        nodes=len(usable),
        allocatable=sum(usable.values(), Size()),
        reserved=Size(cpu, memory),
        running=running,
        waiting=waiting.total(),
        interrupted=tuple(sorted(name for name, node in theirs.items() if is_interrupted(node))[:MOST_NAMES]),
        reservation=reservation_of(usable, busy, waiting),
        zones=tuple(sorted({zone_of(theirs[name]) for name in usable} - {""})),
    )


def reservation_of(nodes: dict[str, Size], busy: Collection[str], waiting: Counter[Size]) -> int:
    """M / N in percent, rounded up. N are the nodes; M are those with tasks, or, when tasks wait, all and some more.

    How many more: tasks of one size fill nodes like the largest that there is, and the size that needs most counts.
    That is the least that will do. With no node at all it is 200 when tasks wait, else 100, so that scaling starts.
    """
    if not nodes:
        return NO_NODES if waiting else HUNDRED
    needed = len(nodes.keys() & set(busy))
    if waiting:
        largest = Size(max(one.cpu for one in nodes.values()), max(one.memory for one in nodes.values()))
        needed = len(nodes) + max(-(-count // _fit(size, largest)) for size, count in waiting.items())
    return -(-needed * HUNDRED // len(nodes))


def _fit(size: Size, node: Size) -> int:
    """How many tasks fill an empty node; one that is too large for it takes one of its own."""
    parts = [(node.cpu, size.cpu), (node.memory, size.memory)]
    return max(1, min((has // asks for has, asks in parts if asks), default=1))


def _allocatable(node: Json) -> Size:
    given: Json = node["status"].get("allocatable", {})
    return Size(int(quantity.amount(given.get("cpu", 0)) * MILLI), int(quantity.amount(given.get("memory", 0))))


def _is_daemon(pod: Json) -> bool:
    owners: list[Json] = pod["metadata"].get("ownerReferences", [])
    return any(one["kind"] == DAEMON for one in owners)


def _waits(pod: Json) -> bool:
    conditions: list[Json] = pod["status"]["conditions"]
    return any(one["type"] == "PodScheduled" and one.get("reason") == FOR_A_NODE for one in conditions)


def _resources(size: Size) -> Json:
    return {
        "cpu": quantity.millicores(size.cpu),
        "memory": quantity.memory(size.memory // MEBIBYTE) if size.memory else "0",
    }
