"""A cluster in a few lines, for sequences: Deployments start one task a step, and stop what they should at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from berth import names
from berth.api.service import ServiceSpec
from berth.plan.outcome import Json
from berth.plan.providers import Providers
from berth.plan.strategy import strategy_of
from berth.plan.tasks import tasks_of
from berth.plan.world import World
from berth.resources import DEPLOYMENT
from support.golden import Objects


@dataclass
class Simulation:
    """Tasks of one Service by provider: wanted by its Deployments, there, and ready."""

    spec: ServiceSpec
    wanted: dict[str, int] = field(default_factory=dict[str, int])
    there: dict[str, int] = field(default_factory=dict[str, int])
    ready: dict[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def steady(cls, spec: ServiceSpec, split: dict[str, int]) -> "Simulation":
        return cls(spec, dict(split), dict(split), dict(split))

    def steps(self, most: int = 500) -> Iterator[dict[str, int]]:
        """The tasks that are there after each step, until nothing changes."""
        shown = self._shown()
        yield shown
        for _ in range(most):
            before = (dict(self.wanted), dict(self.there), dict(self.ready))
            self._plan()
            self._act()
            if before == (self.wanted, self.there, self.ready):
                return
            if self._shown() != shown:
                shown = self._shown()
                yield shown
        raise AssertionError(f"no rest after {most} steps: {self}")

    def _shown(self) -> dict[str, int]:
        return {provider: count for provider, count in sorted(self.there.items()) if count}

    def _plan(self) -> None:
        tasks = tasks_of(self._world(), self.spec, Providers(strategy_of(self.spec)))
        self.wanted = dict(tasks.wanted)
        for provider, count in tasks.leaving.items():
            if count or self.there.get(provider):
                self.wanted[provider] = count

    def _act(self) -> None:
        """What was there becomes ready; what is too many stops; one task a provider starts."""
        self.ready = dict(self.there)
        for provider in {*self.wanted, *self.there}:
            goal, now = self.wanted.get(provider, 0), self.there.get(provider, 0)
            self.there[provider] = min(goal, now + 1)
            self.ready[provider] = min(self.ready.get(provider, 0), self.there[provider])

    def _world(self) -> World:
        subject: Json = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {}}
        live = tuple(self._deployment(provider) for provider in self.wanted)
        return World(subject, Objects([]), datetime.now(UTC), owned={DEPLOYMENT: live})

    def _deployment(self, provider: str) -> Json:
        return {
            "metadata": {"labels": {names.CAPACITY_PROVIDER: provider or names.ANY_NODE}},
            "spec": {"replicas": self.wanted[provider]},
            "status": {"replicas": self.there.get(provider, 0), "readyReplicas": self.ready.get(provider, 0)},
        }
