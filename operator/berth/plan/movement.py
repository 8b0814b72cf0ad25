"""How tasks move: others start elsewhere, and those that are to go stop as the others become healthy.

A task is on its way out when its provider has left the strategy, when its node is about to go, or when a rebalance was
asked for and its provider has too many. With d desired tasks, low = ceil(d * min%) and high = floor(d * max%):

  - what starts: the split of min(d, high - tasks on their way out), given those that stay;
  - what is kept of those on their way out: enough that max(low, what was started) tasks are healthy.

So a task is replaced before it stops wherever maximumPercent has room, and after it otherwise. Each step follows from
what the cluster shows: there is nothing to remember.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from berth.api.service import DeploymentConfiguration
from berth.plan import limits
from berth.plan.strategy import Share, split_over


@dataclass(frozen=True, slots=True)
class Standing:
    """The tasks of one provider, as they are."""

    count: int
    """What its Deployment is asked for."""
    there: int
    """What is there, or will be: a Deployment that was lowered still has its tasks for a moment."""
    ready: int
    """Healthy tasks among those that may stay."""
    dying: int = 0
    """Tasks on nodes that are about to go."""
    going: int = 0
    """Tasks on such nodes for which the count was lowered already."""
    rolling: bool = False
    """A rollout is under way, or was not yet looked at by its controller."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a Service asks for."""

    strategy: Sequence[Share]
    desired: int
    configuration: DeploymentConfiguration
    exact: bool = False
    """A rebalance was asked for: what a provider has beyond its exact share is on its way out."""
    least: Mapping[str, int] = field(default_factory=dict[str, int])
    """What each provider runs at least: tasks that are protected."""
    beyond: int = 0
    """Tasks that no Deployment runs and that are on their way out."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What each provider should run next."""

    wanted: dict[str, int]
    """The tasks of each provider of the strategy that are to stay, or to start."""
    kept: dict[str, int]
    """Tasks on their way out that must still be kept, by provider."""

    def count(self, provider: str) -> int:
        """What the provider's Deployment is to be asked for."""
        return self.wanted.get(provider, 0) + self.kept.get(provider, 0)


def moved(goal: Goal, standings: Mapping[str, Standing]) -> Movement:
    """The next step, from what stands."""
    strategy, desired, configuration = goal.strategy, goal.desired, goal.configuration
    share = split_over(strategy, desired, {}) if goal.exact else {}
    stay = {one.provider: _stay(standings.get(one.provider), share.get(one.provider)) for one in strategy}
    stay |= {name: max(stay[name], least) for name, least in goal.least.items() if name in stay}
    out = {name: one.count - stay.get(name, 0) for name, one in standings.items()}
    still_there = sum(_still_there(name in stay, one, out[name]) for name, one in standings.items())
    # The upper limit holds back new tasks; it never stops one that runs.
    room = max(sum(stay.values()), limits.highest(desired, configuration) - still_there - goal.beyond)
    wanted = split_over(strategy, min(desired, room), stay, goal.least)
    ready = sum(min(standings[name].ready, count) for name, count in stay.items() if name in standings)
    healthy = max(limits.lowest(desired, configuration), sum(wanted.values()))
    kept = limits.divided(min(sum(out.values()), max(0, healthy - min(ready, desired))), out)
    held = {name: out[name] for name, one in standings.items() if _must_wait(one, wanted.get(name, 0))}
    return Movement(wanted, kept | held)


def _stay(standing: Standing | None, most: int | None) -> int:
    if standing is None:
        return 0
    count = standing.count - standing.dying
    return count if most is None else min(count, most)


def _still_there(stays: bool, standing: Standing, out: int) -> int:  # noqa: FBT001  # whether its provider stays
    return out + standing.going if stays else max(out, standing.there)


def _must_wait(standing: Standing, wanted: int) -> bool:
    """Whether lowering the count would take the wrong tasks: Kubernetes stops those first that are not ready."""
    return standing.dying > 0 and (standing.rolling or standing.ready < wanted)
