"""minimumHealthyPercent and maximumPercent with ECS's rounding, over the sum of all providers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.api.service import DeploymentConfiguration
from berth.plan.limits import divided, highest, lowest, rolling_update


def _configuration(low: int, high: int) -> DeploymentConfiguration:
    return DeploymentConfiguration(minimum_healthy_percent=low, maximum_percent=high)


@pytest.mark.parametrize(
    ("desired", "percents", "bounds"),
    [
        (1, (100, 200), (1, 2)),
        (1, (50, 150), (1, 1)),
        (1, (66, 133), (1, 1)),
        (2, (50, 150), (1, 3)),
        (2, (66, 133), (2, 2)),
        (3, (50, 150), (2, 4)),
        (3, (66, 133), (2, 3)),
        (5, (50, 150), (3, 7)),
        (5, (66, 133), (4, 6)),
        (10, (100, 200), (10, 20)),
        (10, (66, 133), (7, 13)),
        (25, (50, 150), (13, 37)),
        (25, (66, 133), (17, 33)),
    ],
)
def test_ecs_table(desired: int, percents: tuple[int, int], bounds: tuple[int, int]) -> None:
    configuration = _configuration(*percents)
    assert (lowest(desired, configuration), highest(desired, configuration)) == bounds


COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 60), min_size=1)


@given(st.integers(0, 300), COUNTS)
def test_parts_add_up_and_stay_in_proportion(amount: int, counts: dict[str, int]) -> None:
    parts = divided(amount, counts)
    total = sum(counts.values())
    assert sum(parts.values()) == (amount if total else 0)
    for key, part in parts.items():
        assert not total or abs(part - amount * counts[key] / total) < 1


@given(COUNTS, st.integers(0, 100), st.integers(100, 200))
def test_each_share_can_move_and_together_they_keep_the_limits(counts: dict[str, int], low: int, high: int) -> None:
    desired = sum(counts.values())
    shares = rolling_update(desired, counts, _configuration(low, high))
    assert all(share["maxSurge"] or share["maxUnavailable"] for share in shares.values())
    assert desired - sum(share["maxUnavailable"] for share in shares.values()) >= lowest(
        desired, _configuration(low, high)
    )
    forced = sum(share == {"maxSurge": 1, "maxUnavailable": 0} for share in shares.values())
    most = desired + sum(share["maxSurge"] for share in shares.values())
    assert most - forced <= highest(desired, _configuration(low, high))
