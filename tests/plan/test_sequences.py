"""Sequences to the fix-point, read as the steps that a user would see."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berth.api.service import ServiceSpec
from berth.plan.limits import highest, lowest
from berth.plan.strategy import split_over, strategy_of
from support.simulation import Simulation


def _spec(desired: int, percents: tuple[int, int] = (100, 200), **weights: int) -> ServiceSpec:
    return ServiceSpec.model_validate(
        {
            "taskDefinition": "web",
            "desiredCount": desired,
            "deploymentConfiguration": {"minimumHealthyPercent": percents[0], "maximumPercent": percents[1]},
            "capacityProviderStrategy": [
                {"capacityProvider": name, "weight": weight} for name, weight in weights.items()
            ],
        }
    )


@pytest.mark.parametrize(
    ("spec", "start", "steps"),
    [
        (
            _spec(3, a=1, b=2),
            {},
            [{}, {"a": 1, "b": 1}, {"a": 1, "b": 2}],
        ),
        (
            _spec(4, b=1),
            {"a": 4},
            [
                {"a": 4},
                {"a": 4, "b": 1},
                {"a": 4, "b": 2},
                {"a": 3, "b": 3},
                {"a": 2, "b": 4},
                {"a": 1, "b": 4},
                {"b": 4},
            ],
        ),
        (
            _spec(4, (50, 100), b=1),
            {"a": 4},
            [
                {"a": 4},
                {"a": 2},
                {"a": 2, "b": 1},
                {"a": 2, "b": 2},
                {"a": 1, "b": 2},
                {"a": 1, "b": 3},
                {"b": 3},
                {"b": 4},
            ],
        ),
    ],
    ids=["from-nothing", "a-provider-leaves-at-100-200", "a-provider-leaves-at-50-100"],
)
def test_a_sequence_reads_as_its_steps(spec: ServiceSpec, start: dict[str, int], steps: list[dict[str, int]]) -> None:
    assert list(Simulation.steady(spec, start).steps()) == steps


PERCENTS = st.tuples(st.integers(0, 100), st.integers(100, 200))
COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 8), min_size=1)


@given(COUNTS, COUNTS, st.integers(0, 16), PERCENTS)
@settings(deadline=None)
def test_a_change_of_providers_keeps_the_limits_and_comes_to_rest(
    start: dict[str, int], weights: dict[str, int], desired: int, percents: tuple[int, int]
) -> None:
    spec = _spec(desired, percents, **weights)
    least, most = lowest(desired, spec.deployment_configuration), highest(desired, spec.deployment_configuration)
    before = sum(start.values())
    simulation = Simulation.steady(spec, start)
    for there in simulation.steps():
        total = sum(there.values())
        assert total <= max(most, before), "more tasks than maximumPercent allows"
        assert total >= min(least, before), "fewer tasks than minimumHealthyPercent asks for"
    if least < most or not set(start) - set(weights):
        staying = {name: count for name, count in start.items() if name in weights}
        assert sum(simulation.there.values()) == desired
        assert {name: count for name, count in simulation.there.items() if count} == {
            name: count for name, count in split_over(strategy_of(spec), desired, staying).items() if count
        }
