"""What one task asks of a node, from its pod template: the scheduler counts the same."""

from collections.abc import Iterable
from dataclasses import dataclass

from berth.plan.outcome import Json
from berth.plan.quantity import amount

MILLI = 1000


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """CPU in thousandths of a core, memory in bytes."""

    cpu: int = 0
    memory: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(self.cpu + other.cpu, self.memory + other.memory)

    def either(self, other: "Size") -> "Size":
        """As much as the larger of both, of each."""
        return Size(max(self.cpu, other.cpu), max(self.memory, other.memory))


def size_of(template: Json) -> Size:
    """The pod's own resources where it has them, else the sum of what runs at a time."""
    pod: Json = template.get("spec") or {}
    summed = _of_containers(pod)
    own = _asked(pod)
    return Size(own.cpu or summed.cpu, own.memory or summed.memory)


def _of_containers(pod: Json) -> Size:
    beside, starting = Size(), Size()
    for one in pod.get("initContainers") or ():
        if one.get("restartPolicy") == "Always":
            beside += _asked(one)
            starting = starting.either(beside)
        else:
            # What ends before the others start has the room to itself, but for the sidecars before it.
            starting = starting.either(beside + _asked(one))
    return starting.either(_sum((beside, *map(_asked, pod.get("containers") or ()))))


def _sum(sizes: Iterable[Size]) -> Size:
    return sum(sizes, Size())


def _asked(holder: Json) -> Size:
    resources: Json = holder.get("resources") or {}
    requests: Json = resources.get("requests") or {}
    return Size(int(-(-amount(requests.get("cpu", 0)) * MILLI // 1)), int(-(-amount(requests.get("memory", 0)) // 1)))
