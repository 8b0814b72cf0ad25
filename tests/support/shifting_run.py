"""A Service with a route, whose deployments start a second set of tasks: who gets which requests, step by step.

Its Gateway takes each change of a route at once, or one step late while endpoints are new already: whatever it hears
of first, there must be a task behind every backend that gets requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from berth import names
from berth.plan.outcome import Json
from support.deployment_run import DeploymentRun

MAPPED: Json = {"portMappings": [{"containerPort": 8080, "name": "http"}]}
SETTINGS: Json = {"platform": {"network": {"gatewayApi": True}}}
Requests = dict[int, float]
"""Percent of the requests, by deployment."""


def shop(desired: int = 2, application: Json | None = None, **configuration: Any) -> Json:
    """The spec of a Service behind a Gateway."""
    balancer = {"gateway": "public", "hosts": ["shop.example.com"], **(application or {})}
    return {
        "desiredCount": desired,
        "deploymentConfiguration": configuration,
        "loadBalancers": [{"containerName": "web", "containerPort": 8080, "application": balancer}],
    }


@dataclass
class ShiftingRun(DeploymentRun):
    """Where requests go, besides."""

    container: Json = field(default_factory=lambda: MAPPED)
    settings: Json = field(default_factory=lambda: SETTINGS)
    fronts: dict[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    """Core Services and routes as they are."""
    known: Json = field(default_factory=dict[str, Any])
    """The route's spec as the Gateway knew it a step ago."""
    lost: int = 0
    """How often requests led to nobody."""

    def shown(self) -> str:
        told = ", ".join(f"{percent:g} % to {number}" for number, percent in sorted(self.requests().items()))
        return f"{super().shown()}; {told}" if told else super().shown()

    def requests(self) -> Requests:
        """Who gets the requests of the route that no test header marks."""
        return self._requests(self._route().get("rules", [])[-1:])

    def tested(self) -> Requests:
        """Who gets those that are marked."""
        rules = [one for one in self._route().get("rules", []) if "headers" in one["matches"][0]]
        return self._requests(rules)

    def inside(self) -> Requests:
        """Who gets the requests of others in the cluster."""
        return self._behind("web", 100)

    def _state(self) -> str:
        return super()._state() + str(self.fronts)

    def _fronts(self) -> Json:
        return {"/".join(key): one for key, one in self.fronts.items()}

    def _route(self) -> Json:
        found = [one["spec"] for (kind, _), one in self.fronts.items() if kind == "HTTPRoute"]
        return dict(found[0]) if found else {}

    def _requests(self, rules: list[Json]) -> Requests:
        found: Requests = {}
        for rule in rules:
            backends = rule["backendRefs"]
            whole = sum(one["weight"] for one in backends)
            for one in backends:
                for number, percent in self._behind(one["name"], 100 * one["weight"] / whole).items():
                    found[number] = found.get(number, 0) + percent
        return found

    def _behind(self, service: str, percent: float) -> Requests:
        """Of ready tasks that a core Service selects, each gets the same."""
        front = self.fronts.get(("Service", service))
        selector = front["spec"]["selector"] if front else {"none": ""}
        ready = [
            task for task in self.tasks if task.ready_since is not None and selector.items() <= task.labels.items()
        ]
        found: Requests = {}
        for task in ready:
            number = int(task.deployment.rpartition("-")[2])
            found[number] = found.get(number, 0) + percent / len(ready)
        return found if percent else {}

    def _lead(self, made: list[Json]) -> None:
        before = self.fronts
        kinds = {"Service", "HTTPRoute", "PodDisruptionBudget"}
        self.fronts = {(one["kind"], one["metadata"]["name"]): one for one in made if one["kind"] in kinds}
        for key, one in self.fronts.items():
            one["metadata"]["generation"] = _generation(before.get(key), one)

    def _objects(self) -> Iterator[Json]:
        yield from super()._objects()
        for (kind, _), one in self.fronts.items():
            status: Json = {}
            if kind == "HTTPRoute":
                said: Json = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": ""}
                said["observedGeneration"] = one["metadata"]["generation"]
                parent = {
                    "controllerName": "example.com/gateway",
                    "parentRef": {"name": "public"},
                    "conditions": [said],
                }
                status = {"status": {"parents": [parent]}}
            yield {**one, "metadata": {**one["metadata"], "owned": True}, **status}

    def _act(self) -> None:
        served = bool(self.requests())
        self._look(self.known.get("rules", []))
        self.known = self._route()
        super()._act()
        self._look(self.known.get("rules", []))
        self.lost += served and not self.requests()

    def _look(self, rules: list[Json]) -> None:
        """By routes of a moment ago, and endpoints of now: behind each backend that gets requests is a task."""
        for rule in rules:
            for one in rule["backendRefs"]:
                begun = any(task.ready_since is not None for task in self.tasks)
                self.lost += bool(one["weight"] and begun and not self._behind(one["name"], 100))


def _generation(before: Json | None, now: Json) -> int:
    if before is None:
        return 1
    changed = before["spec"] != now["spec"]
    return int(before["metadata"]["generation"]) + changed


def slots(run: DeploymentRun) -> dict[str, str]:
    """The slot of each Deployment."""
    return {name: one["spec"]["selector"]["matchLabels"][names.SLOT] for name, one in run.live.items()}
