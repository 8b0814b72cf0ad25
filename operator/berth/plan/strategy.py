"""Capacity provider strategies: how a number of tasks is split by base and weight.

Every provider offers places, in order: its base first, then one after another, the k-th at the cost of k / weight.
A split from nothing takes the cheapest places; ties go to the provider that stands first in the strategy. Starting a
task takes the cheapest free place, stopping one frees the dearest taken place: so from an exact split each step leads
to an exact split, and from any other the split comes nearer with every step, while no task changes its provider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from berth import names
from berth.api.service import ServiceSpec

LAUNCH_TYPES = {"FARGATE": "fargate", "EC2": "ec2"}


@dataclass(frozen=True, slots=True)
class Share:
    """One provider's part of a strategy. The empty provider is any node."""

    provider: str
    base: int = 0
    weight: int = 1


Place = tuple[float | Fraction, int]


def strategy_of(spec: ServiceSpec) -> tuple[Share, ...]:
    """The strategy that a Service asks for: its own, that of its launchType, or any node."""
    if spec.launch_type is not None:
        return (Share(LAUNCH_TYPES[spec.launch_type]),)
    items = spec.capacity_provider_strategy
    if not items:
        return (Share(""),)
    shares = tuple(Share(names.provider(item.capacity_provider), item.base, item.weight) for item in items)
    if len(shares) == 1:
        # Alone, a provider takes all tasks, whatever its weight.
        return (Share(shares[0].provider, shares[0].base, max(1, shares[0].weight)),)
    return shares


def split_over(
    strategy: Sequence[Share], total: int, current: Mapping[str, int], least: Mapping[str, int] | None = None
) -> dict[str, int]:
    """How many tasks each provider runs, reached from the current counts with the fewest starts and stops.

    What a provider must keep at `least` is never taken from it: others have fewer, and if need be there are too many.
    """
    bound = least or {}
    counts = {share.provider: current.get(share.provider, 0) for share in strategy}
    for _ in range(total - sum(counts.values())):
        cheapest = min(range(len(strategy)), key=lambda i: _place(strategy[i], counts[strategy[i].provider], i))
        counts[strategy[cheapest].provider] += 1
    for _ in range(sum(counts.values()) - total):
        taken = [i for i, share in enumerate(strategy) if counts[share.provider] > bound.get(share.provider, 0)]
        if not taken:
            break
        dearest = max(taken, key=lambda i: _place(strategy[i], counts[strategy[i].provider] - 1, i))
        counts[strategy[dearest].provider] -= 1
    return counts


def _place(share: Share, index: int, order: int) -> Place:
    """The cost of a provider's place number `index`, and the provider's order for ties."""
    if index < share.base:
        return (-1, order)
    return (Fraction(index - share.base, share.weight) if share.weight else inf, order)
