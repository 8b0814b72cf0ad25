"""Whom requests go to while a Service has two sets of tasks, and whether they do.

A second core Service, named -green, leads to the tasks of the deployment that comes. Routes divide requests between it
and the Service's own address by weights. Whatever its weight, each of the two always has ready tasks behind it, so that
it does not matter which of two changes a Gateway hears of first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from berth import names
from berth.api.load_balancer import ApplicationLoadBalancer, TestTrafficRules
from berth.api.service import ServiceSpec
from berth.plan import load_balancer
from berth.plan.deployment_record import Deployment
from berth.plan.history import Past
from berth.plan.lifecycle import Position
from berth.plan.lifecycle_stage import ALL, TESTED
from berth.plan.load_balancer import Front
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.route import ROUTES, Targets, target, unaccepted
from berth.plan.world import World
from berth.resources import CORE_SERVICE

WHOLE = 1000
"""The sum of two weights: tenths of a percent."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Whom requests go to."""

    deployment: Deployment
    """Whose addresses and routes stand."""
    slot: str = ""
    """Whose tasks these lead to; empty: to all of the Service."""
    green: Deployment | None = None
    """Whose tasks are behind the second address; None: there is none."""
    percent: float | None = None
    """Percent of the requests of routes that go to the second address; None: routes do not name it."""
    tested: bool = False
    """Test requests go to the second address."""

    def selector(self, service: str) -> Json:
        return {names.SERVICE: service, **({names.SLOT: self.slot} if self.slot else {})}

    @property
    def weights(self) -> tuple[int, int]:
        """Of the Service's own address and of the second."""
        second = round((self.percent or 0) * WHOLE / ALL)
        return WHOLE - second, second


def traffic_of(past: Past, where: Position, own: Deployment, other: Deployment | None) -> Traffic:
    """Whom requests go to: `own` is what runs in the slot of the deployment that is to run, `other` beside it."""
    if not _knows_slots(past, own):
        return Traffic(own)
    at = where.underway
    if other is None or not (at.shifts or at.back) or (at.back and where.over):
        return Traffic(own, own.slot, own)
    if at.back:
        return Traffic(own, own.slot, own, 0)
    front = own if at.percent >= ALL else other
    return Traffic(front, front.slot, own, at.percent or None, at.stage in TESTED)


def targets(world: World, front: Front, traffic: Traffic) -> Targets:
    """What the requests of one load balancer go to."""
    green, own = traffic.green, target(world.name, front.port)
    if green is None or not any(one["port"] == front.port for one in green.ports):
        return Targets([own])
    second = names.green(world.name)
    production = [own]
    if traffic.percent is not None:
        sides = zip((world.name, second), traffic.weights, strict=True)
        production = [target(name, front.port, weight) for name, weight in sides]
    rules = _test_rules(world, front, green) if traffic.tested else None
    return Targets(production, [target(second, front.port)] if rules else [], rules)


def _test_rules(world: World, front: Front, green: Deployment) -> TestTrafficRules | None:
    """As the deployment that comes says it."""
    found = load_balancer.fronts(world.name, green.inputs, world.settings.platform)
    kinds = [] if isinstance(found, Blocked) else [one.kind for one in found if one.name == front.name]
    return next((one.test_traffic_rules for one in kinds if isinstance(one, ApplicationLoadBalancer)), None)


def _knows_slots(past: Past, running: Deployment) -> bool:
    """Whether any deployment that is remembered had a second set; others are as they always were."""
    return running.slot != names.FIRST_SLOT or any(one.strategy != "ROLLING" for one in past.values())


def refused(world: World, spec: ServiceSpec, inputs: Json) -> Blocked | None:
    """A part of the requests can be shifted by a route alone."""
    strategy = spec.deployment_configuration.strategy
    if strategy not in {"LINEAR", "CANARY"}:
        return None
    field = f"deploymentConfiguration.strategy: {strategy} shifts requests by the weights of a route"
    found = load_balancer.fronts(world.name, inputs, world.settings.platform)
    if isinstance(found, Blocked):
        return found
    if not found:
        return Blocked(
            "TrafficShiftRefused", f"{field}, and there are no loadBalancers; choose BLUE_GREEN", stalled=True
        )
    bare = next((one for one in found if one.kind.gateway is None), None)
    if bare is None:
        return None
    why = f"{field}, and {bare.field} has none: name a gateway there, or choose BLUE_GREEN"
    return Blocked("TrafficShiftRefused", why, stalled=True)


def has_shifted(world: World, fronts: Iterable[Child]) -> bool:
    """Whether what leads to the tasks is as planned, and the Gateways have taken it."""
    return all(_leads_there(world, one) for one in fronts) and not unaccepted(world)


def _leads_there(world: World, planned: Child) -> bool:
    if planned.resource != CORE_SERVICE and planned.resource not in ROUTES:
        return True
    live = next((one for one in world.children(planned.resource) if one["metadata"]["name"] == planned.name), None)
    return live is not None and _aim(live) == _aim(planned.manifest)


def _aim(one: Json) -> list[object]:
    """The tasks that a core Service selects, or the weights of a route's rules."""
    spec: Json = one["spec"]
    rules: list[Json] = spec.get("rules", [])
    weighted = [[(to["name"], to.get("weight", 1)) for to in rule.get("backendRefs", ())] for rule in rules]
    return [spec.get("selector"), weighted]
