"""The stages of a deployment in ECS's order, and what a gate says of the one that a deployment is in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from berth.api.deployment_strategy import ROLLING
from berth.api.service import ServiceSpec
from berth.api.service_deployment import LifecycleStage
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Child
from berth.plan.world import World

STAGES: tuple[LifecycleStage, ...] = get_args(LifecycleStage)
HELD: frozenset[LifecycleStage] = frozenset({"RECONCILE_SERVICE", "PRE_SCALE_UP"})
"""Stages before a deployment's tasks: its record stands, and what ran before goes on."""
TESTED: frozenset[LifecycleStage] = frozenset(STAGES[STAGES.index("TEST_TRAFFIC_SHIFT") : STAGES.index("CLEAN_UP")])
"""Stages in which test requests reach a second set of tasks."""
ALL = 100.0


@dataclass(frozen=True, slots=True)
class Underway:
    """A deployment on its way, as gates see it."""

    spec: ServiceSpec
    deployment: Deployment
    stage: LifecycleStage
    percent: float = 0
    """How much of the production traffic goes to a second set of tasks."""
    back: bool = False
    """It stands in for one that failed, and has been through all of this."""

    @property
    def shifts(self) -> bool:
        """It starts a second set of tasks, and shifts traffic to it."""
        return self.deployment.strategy != ROLLING


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gate says. It is open when it neither waits nor has failed."""

    waits: str = ""
    """What for, in a sentence that does not change while it waits."""
    failed: str = ""
    """Why the deployment ends here."""
    again: timedelta | None = None
    """When to look again though nothing happens; None waits for a watch event."""
    children: tuple[Child, ...] = ()
    """What must exist for the gate, for as long as the deployment is in this stage."""

    @property
    def is_open(self) -> bool:
        return not self.waits and not self.failed


Gate = Callable[[World, Underway], Answer]
"""Pure, like a plan. One that has nothing to do with a deployment is open."""
OPEN = Answer()
