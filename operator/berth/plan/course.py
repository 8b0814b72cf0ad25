"""What a Service's deployments are judged by, and what makes one fail."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from berth.api.circuit_breaker import DeploymentCircuitBreaker
from berth.api.service import ServiceSpec
from berth.plan.alarms import Alarms, watched
from berth.plan.deployment_record import Deployment
from berth.plan.failed_tasks import Failures, threshold
from berth.plan.history import Past, remembered
from berth.plan.lifecycle import Step
from berth.plan.stop_deployment import ROLLBACK, Stop
from berth.plan.tasks import Tasks
from berth.plan.world import World

OFF = DeploymentCircuitBreaker()


@dataclass(frozen=True, slots=True)
class Course:
    """What a Service's deployments are judged by."""

    spec: ServiceSpec
    asked: Deployment
    """What the spec asks for."""
    running: Deployment
    """What is to run: the same, or what stands in for it."""
    past: Past
    tasks: Tasks
    step: Step
    """What becomes of its stage."""
    settled: bool
    """All of its tasks run, no other's do, and nothing of its lifecycle is left."""
    other: Deployment | None = None
    """What has tasks beside it, in a set of their own."""

    def alarms(self, world: World) -> Alarms:
        """What they say of the deployment under way; one that stands in for another is not watched."""
        if self.running.number != self.asked.number:
            return Alarms()
        return watched(world, self.spec, remembered(world).get(self.running.name(world.name)))

    @property
    def breaker(self) -> DeploymentCircuitBreaker:
        return self.spec.deployment_configuration.deployment_circuit_breaker or OFF


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a deployment ends before it has completed."""

    reason: str
    goes_back: bool
    """It is to be undone."""


@dataclass(frozen=True, slots=True)
class Case:
    """A deployment under way, as those see it who may end it."""

    course: Course
    stop: Stop
    failures: Failures


Source = Callable[[World, Case], Fault | None]
"""One that may end a deployment under way. Pure, like a plan."""


def _stopped(_: World, case: Case) -> Fault | None:
    if not case.stop.is_due:
        return None
    return Fault(f"ECS deployment stopped by request: {case.stop.request}.", case.stop.request == ROLLBACK)


def _held_up(_: World, case: Case) -> Fault | None:
    """A gate of its stage has failed."""
    why = case.course.step.failed
    return Fault(f"ECS deployment lifecycle: {why.rstrip('.')}.", goes_back=True) if why else None


def _broken(_: World, case: Case) -> Fault | None:
    breaker, failed = case.course.breaker, case.failures
    if not breaker.enable or failed.count < threshold(case.course.tasks.desired, breaker):
        return None
    what = "tasks failed container health checks" if failed.by_check else "tasks failed to start"
    return Fault(f"ECS deployment circuit breaker: {what}.", breaker.rollback)


def _alarmed(world: World, case: Case) -> Fault | None:
    """An alarm has fired since it began."""
    alarms = case.course.alarms(world)
    return Fault(alarms.failed, alarms.goes_back) if alarms.failed else None


SOURCES: tuple[Source, ...] = (_stopped, _held_up, _alarmed, _broken)
"""The first that finds a fault decides."""


def fault_of(world: World, case: Case) -> Fault | None:
    """Why what is under way ends here; None when it goes on."""
    fault = next((fault for source in SOURCES if (fault := source(world, case)) is not None), None)
    if fault is None:
        return None
    if case.course.running.number != case.course.asked.number:
        # A rollback that fails stops where it is: two bad deployments would take turns for ever.
        return replace(fault, goes_back=False)
    # What has its old tasks still beside it always goes back to them: nothing speaks for the ones that failed.
    return replace(fault, goes_back=True) if case.course.other else fault
