"""base and weight as ECS defines them: exact from nothing, exact through every step, never two tasks moved for one."""

from fractions import Fraction
from math import lcm

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berth.api.service import DeploymentConfiguration, ServiceSpec
from berth.plan.limits import highest, lowest
from berth.plan.movement import Goal, Standing, moved
from berth.plan.strategy import Share, split_over, strategy_of

PERCENTS = st.sampled_from([(100, 200), (50, 100), (66, 133), (100, 110), (0, 100), (100, 100)])
WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any)


@st.composite
def strategies(draw: st.DrawFn) -> tuple[Share, ...]:
    weights = draw(WEIGHTS)
    holder = draw(st.integers(0, len(weights) - 1))
    base = draw(st.integers(0, 30))
    return tuple(Share(f"p{i}", base if i == holder else 0, weight) for i, weight in enumerate(weights))


def _error(strategy: tuple[Share, ...], counts: dict[str, int], total: int) -> int:
    """How many tasks stand elsewhere than in the exact split."""
    exact = split_over(strategy, total, {})
    return sum(max(0, counts[name] - exact[name]) for name in exact)


@pytest.mark.parametrize(
    ("shares", "total", "expected"),
    [
        ([("od", 2, 1), ("spot", 0, 3)], 10, {"od": 4, "spot": 6}),
        ([("a", 0, 1), ("b", 0, 4)], 10, {"a": 2, "b": 8}),
        ([("a", 0, 1), ("b", 0, 4)], 1, {"a": 1, "b": 0}),
        ([("a", 1, 0), ("b", 0, 1)], 5, {"a": 1, "b": 4}),
        ([("a", 0, 1), ("b", 0, 1), ("c", 0, 1)], 2, {"a": 1, "b": 1, "c": 0}),
        ([("a", 3, 1), ("b", 0, 1)], 2, {"a": 2, "b": 0}),
    ],
)
def test_ecs_worked_examples(shares: list[tuple[str, int, int]], total: int, expected: dict[str, int]) -> None:
    assert split_over([Share(*share) for share in shares], total, {}) == expected


def _oracle(strategy: tuple[Share, ...], total: int) -> dict[str, int]:
    """The same by another way: all places of all providers in one list, by cost and then by order, cut at the total.

    With 0 for a base's place, and for the k-th beyond it (k + 1) * L / weight, L being a multiple of all weights: whole
    numbers, in the same order as k / weight among places of one kind.
    """
    multiple = lcm(*(share.weight for share in strategy if share.weight))
    places: list[tuple[int, int, int]] = []
    for order, share in enumerate(strategy):
        places += [(0, order, number) for number in range(min(share.base, total))]
        if share.weight:
            step = multiple // share.weight
            places += [(1 + number * step, order, number) for number in range(total)]
    taken = sorted(places)[:total]
    return {share.provider: sum(place[1] == order for place in taken) for order, share in enumerate(strategy)}


@given(strategies(), st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_every_total_is_what_an_independent_count_says(strategy: tuple[Share, ...], total: int) -> None:
    assert split_over(strategy, total, {}) == _oracle(strategy, total)


def test_every_total_up_to_two_thousand_of_one_strategy() -> None:
    """Step by step upwards, and from there downwards: exact at each, and one task moves at a time."""
    strategy = (Share("od", 2, 1), Share("ec2", 0, 2), Share("spot", 0, 5))
    exact = [_oracle(strategy, total) for total in range(0, 2001, 50)]
    counts: dict[str, int] = {}
    for total in range(2001):
        after = split_over(strategy, total, counts)
        assert sum(after.values()) - sum(counts.values()) in {0, 1}
        counts = after
        if total % 50 == 0:
            assert counts == exact[total // 50]
    for total in range(2000, -1, -1):
        counts = split_over(strategy, total, counts)
        if total % 50 == 0:
            assert counts == exact[total // 50]


@given(strategies(), st.lists(st.integers(0, 40), min_size=6, max_size=6), st.integers(0, 120), PERCENTS)
@settings(max_examples=60, deadline=None)
def test_a_rebalance_ends_in_the_exact_split_within_the_percents(
    strategy: tuple[Share, ...], start: list[int], desired: int, percents: tuple[int, int]
) -> None:
    low, high = percents
    configuration = DeploymentConfiguration(minimum_healthy_percent=low, maximum_percent=high)
    least, most = lowest(desired, configuration), highest(desired, configuration)
    counts = {share.provider: count for share, count in zip(strategy, start, strict=False)}
    goal, before = Goal(strategy, desired, configuration, exact=True), sum(counts.values())
    for _ in range(2000):
        step = moved(goal, {name: Standing(count, count, count) for name, count in counts.items()})
        after = {name: step.count(name) for name in counts}
        assert sum(after.values()) <= max(most, before)
        # All that this step stops may be gone before anything that it starts is healthy.
        assert sum(min(after[name], counts[name]) for name in counts) >= min(least, before)
        if after == counts:
            break
        counts = after
    if least < most or before == 0:
        assert counts == _oracle(strategy, desired)


@given(strategies(), st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_from_nothing_base_first_then_nearest_to_the_weights(strategy: tuple[Share, ...], total: int) -> None:
    counts = split_over(strategy, total, {})
    assert sum(counts.values()) == total
    base = sum(share.base for share in strategy)
    weights = sum(share.weight for share in strategy)
    beyond = max(0, total - base)
    for share in strategy:
        if share.base:
            assert counts[share.provider] >= min(share.base, total)
        ideal = Fraction(beyond * share.weight, weights)
        # Taking the cheapest place each time keeps every provider within one task per provider of its ideal share.
        assert abs(counts[share.provider] - min(share.base, total) - ideal) <= len(strategy)
        if not share.weight:
            assert counts[share.provider] <= share.base


@given(strategies(), st.integers(0, 200), st.integers(0, 200))
@settings(deadline=None)
def test_exact_after_any_change_of_count(strategy: tuple[Share, ...], first: int, then: int) -> None:
    assert split_over(strategy, then, split_over(strategy, first, {})) == split_over(strategy, then, {})


@given(strategies(), st.lists(st.integers(0, 40), min_size=6, max_size=6), st.integers(0, 200))
@settings(deadline=None)
def test_no_task_moves_and_the_split_comes_no_further_away(
    strategy: tuple[Share, ...], start: list[int], total: int
) -> None:
    current = {share.provider: count for share, count in zip(strategy, start, strict=False)}
    counts = split_over(strategy, total, current)
    grows = total >= sum(current.values())
    for name, count in counts.items():
        assert count >= current[name] if grows else count <= current[name]
    assert _error(strategy, counts, total) <= _error(strategy, current, sum(current.values()))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (Share(""),)),
        ({"launchType": "FARGATE"}, (Share("fargate"),)),
        ({"launchType": "EC2"}, (Share("ec2"),)),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}, (Share("fargate-spot", 0, 1),)),
        (
            {
                "capacityProviderStrategy": [
                    {"capacityProvider": "FARGATE", "base": 2},
                    {"capacityProvider": "x", "weight": 1},
                ]
            },
            (Share("fargate", 2, 0), Share("x", 0, 1)),
        ),
    ],
)
def test_what_a_service_asks_for(spec: dict[str, object], expected: tuple[Share, ...]) -> None:
    assert strategy_of(ServiceSpec.model_validate({"taskDefinition": "web", **spec})) == expected
