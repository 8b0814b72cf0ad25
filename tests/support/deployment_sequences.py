"""Deployments from a completed first one to their ends: one table, which the simulation and the lab both follow."""

from dataclasses import dataclass, field
from typing import Any

from berth.plan.outcome import Json

THREE = ("fargate", "fargate-spot", "ec2")
"""Capacity providers that the lab has nodes for."""
ROLLBACK: Json = {"enable": True, "rollback": True}


@dataclass(frozen=True, slots=True)
class Release:
    """A new revision, and what a user sees from then on: healthy of all tasks by deployment, and the reason."""

    fails: bool
    """Its tasks end as soon as they start."""
    steps: tuple[str, ...] = ()
    """Each of the simulation's; empty where the next release does not wait for the end of this one."""
    end: str = ""
    """Where it ends, in the simulation and on a cluster."""


def good(*steps: str) -> Release:
    return Release(fails=False, steps=steps, end=steps[-1])


def bad(*steps: str) -> Release:
    return Release(fails=True, steps=steps, end=steps[-1])


def overtaken() -> Release:
    """Its tasks never become healthy, and the next release comes while they are tried."""
    return Release(fails=True)


@dataclass(frozen=True, slots=True)
class Sequence:
    """What happens to one Service after its first deployment, which is good."""

    name: str
    desired: int
    releases: tuple[Release, ...]
    deployments: tuple[tuple[int, str], ...]
    """In the end, as the status shows them: number and rolloutState, what runs first."""
    percents: tuple[int, int] = (100, 200)
    breaker: Json = field(default_factory=lambda: {**ROLLBACK})
    providers: tuple[str, ...] = ()

    @property
    def spec(self) -> Json:
        """The Service's, but for its task definition."""
        return spec_of(self.desired, self.percents, self.providers, deploymentCircuitBreaker=self.breaker)

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """The deployments by their names."""
        return tuple((f"web-deployment-{number}", state) for number, state in self.deployments)


def bounds(desired: int, percents: tuple[int, int]) -> tuple[int, int]:
    """The fewest healthy tasks and the most tasks, in ECS's rounding (DE-1)."""
    return -(-desired * percents[0] // 100), desired * percents[1] // 100


def spec_of(desired: int, percents: tuple[int, int], providers: tuple[str, ...] = (), **configuration: Any) -> Json:
    limits: Json = {"minimumHealthyPercent": percents[0], "maximumPercent": percents[1], **configuration}
    strategy = [{"capacityProvider": name, "weight": 1} for name in providers]
    spec: Json = {"desiredCount": desired, "deploymentConfiguration": limits}
    return {**spec, "capacityProviderStrategy": strategy} if providers else spec


SEQUENCES = (
    Sequence(
        "rolls-at-100-200",
        4,
        (good("1: 4/4, 2: 0/4 InProgress", "1: 4/4, 2: 4/4 InProgress", "2: 4/4 InProgress", "2: 4/4 SteadyState"),),
        ((2, "COMPLETED"), (1, "COMPLETED")),
    ),
    Sequence(
        "rolls-at-50-100",
        4,
        (
            good(
                "1: 2/2, 2: 0/2 InProgress",
                "1: 2/2, 2: 2/2 InProgress",
                "2: 2/4 InProgress",
                "2: 4/4 InProgress",
                "2: 4/4 SteadyState",
            ),
        ),
        ((2, "COMPLETED"), (1, "COMPLETED")),
        percents=(50, 100),
    ),
    Sequence(
        "is-rolled-back-over-three-providers-and-corrected",
        9,
        (
            bad(
                "1: 9/9, 2: 0/9 InProgress",
                "1: 9/9, 2: 0/9 RollingBack",
                "1: 9/9 RollingBack",
                "1: 9/9 RolledBack",
            ),
            good("1: 9/9, 3: 0/9 InProgress", "1: 9/9, 3: 9/9 InProgress", "3: 9/9 InProgress", "3: 9/9 SteadyState"),
        ),
        ((3, "COMPLETED"), (2, "FAILED"), (1, "COMPLETED")),
        providers=THREE,
    ),
    Sequence(
        "is-rolled-back-while-three-providers-take-turns",
        3,
        (
            bad(
                "1: 2/2, 2: 0/1 InProgress",
                "1: 2/2, 2: 0/1 RollingBack",
                "1: 2/3 RollingBack",
                "1: 3/3 RollingBack",
                "1: 3/3 RolledBack",
            ),
        ),
        ((1, "COMPLETED"), (2, "FAILED")),
        percents=(66, 133),
        providers=THREE,
    ),
    Sequence(
        "fails-twice-and-comes-back-to-the-same",
        4,
        (
            bad("1: 4/4, 2: 0/4 InProgress", "1: 4/4, 2: 0/4 RollingBack", "1: 4/4 RollingBack", "1: 4/4 RolledBack"),
            bad("1: 4/4, 3: 0/4 InProgress", "1: 4/4, 3: 0/4 RollingBack", "1: 4/4 RollingBack", "1: 4/4 RolledBack"),
        ),
        ((1, "COMPLETED"), (3, "FAILED"), (2, "FAILED")),
        providers=THREE[:2],
    ),
    Sequence(
        "is-superseded",
        4,
        (
            overtaken(),
            good("1: 4/4, 3: 0/4 InProgress", "1: 4/4, 3: 4/4 InProgress", "3: 4/4 InProgress", "3: 4/4 SteadyState"),
        ),
        ((3, "COMPLETED"), (2, "IN_PROGRESS"), (1, "COMPLETED")),
        breaker={"enable": False},
        providers=THREE[:2],
    ),
)

PAIRS = (
    (1, (100, 200), True),
    (1, (50, 150), False),
    (1, (66, 133), False),
    (2, (50, 150), True),
    (2, (66, 133), False),
    (3, (50, 150), True),
    (3, (66, 133), True),
    (5, (50, 150), True),
    (5, (66, 133), True),
    (10, (66, 133), True),
    (25, (50, 150), True),
    (4, (100, 100), False),
)
"""Desired count, minimumHealthyPercent and maximumPercent, and whether a deployment can move within them."""
