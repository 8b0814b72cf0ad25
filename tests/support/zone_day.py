"""A Service in zones that come and go: its real plan, and a scheduler that may keep to the spread or not."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from berth.plan.node_attribute import ZONE
from berth.plan.outcome import Json
from support.spot_day import SpotDay

Choice = Callable[[Mapping[str, int]], str]
"""Where a task starts, given the tasks by open zone."""
ENABLED = {"availabilityZoneRebalancing": "ENABLED"}


def emptiest(counts: Mapping[str, int]) -> str:
    return min(counts, key=lambda zone: (counts[zone], zone))


def anywhere(_provider: str, _now: object) -> int:
    return 1000


@dataclass
class ZoneDay(SpotDay):
    """One node in each zone, large enough for everything."""

    zones: set[str] = field(default_factory=set[str])
    choose: Choice = emptiest
    started: int = 0
    """Tasks that ever found a place."""
    writes: int = 0
    """Statuses that differed from the one before."""
    most: int = 0
    least_healthy: int = 10**6

    @classmethod
    def of(cls, desired: int, zones: str, choose: Choice = emptiest) -> "ZoneDay":
        return cls(desired, anywhere, zones=set(zones), choose=choose, more=dict(ENABLED), weights={"fargate": 1})

    def counts(self) -> dict[str, int]:
        placed = Counter(pod.node.removeprefix("node-") for pod in self.pods if pod.placed)
        return {zone: placed[zone] for zone in sorted({*self.zones, *placed})}

    def told(self, *reasons: str) -> list[str]:
        return [message for _, message in self.events if any(one in message for one in reasons)]

    def _lose_places(self) -> None:
        self.pods = [pod for pod in self.pods if not pod.placed or pod.node.removeprefix("node-") in self.zones]

    def _place(self) -> None:
        for pod in self.pods:
            if pod.placed is None and self.zones:
                counts = self.counts()
                zone = self.choose({zone: counts[zone] for zone in sorted(self.zones)})
                if zone:
                    pod.placed, pod.node = self.now, f"node-{zone}"
                    self.started += 1
        self.most = max(self.most, len(self.pods))

    def _plan(self) -> None:
        before = self.status
        super()._plan()
        self.writes += before != self.status
        self.least_healthy = min(self.least_healthy, self.healthy)

    def _objects(self) -> Iterator[Json]:
        for one in super()._objects():
            yield {**one, "status": {"zones": sorted(self.zones)}} if one["kind"] == "CapacityProvider" else one
        for zone in self.zones:
            yield {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": f"node-{zone}", "labels": {ZONE: zone}},
                "spec": {},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
