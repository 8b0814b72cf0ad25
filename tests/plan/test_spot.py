"""A Service through a day on spot: places come and go, nodes get notices, and the plan decides what moves."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.spot_day import START, SpotDay

PLENTY = 1000
AFTER, RETURN_AFTER = timedelta(minutes=5), timedelta(minutes=30)


def _minute(now: datetime) -> int:
    return int((now - START).total_seconds() // 60)


def _lost_for_a_while(provider: str, now: datetime) -> int:
    return 0 if provider == "fargate-spot" and 20 <= _minute(now) < 85 else PLENTY


def _told(day: SpotDay, minutes: int) -> Iterator[str]:
    last = ""
    for _ in day.minutes(minutes):
        if day.shown() != last:
            last = day.shown()
            yield f"{_minute(day.now)}: {last}"


def test_spot_is_lost_and_comes_back() -> None:
    """Four tasks move after five minutes; a try after half an hour finds no place; the next does, and all follow."""
    day = SpotDay(4, _lost_for_a_while)
    assert list(_told(day, 120)) == [
        "1: fargate-spot 4 fargate 0, 0 moved",
        "20: fargate-spot 0 fargate 0, 4 waiting, 0 moved",
        "25: fargate-spot 0 fargate 4, 4 moved",
        "55: fargate-spot 0 fargate 4, 1 waiting, 4 moved",
        "60: fargate-spot 0 fargate 4, 4 moved",
        "90: fargate-spot 1 fargate 4, 4 moved",
        "91: fargate-spot 2 fargate 3, 3 moved",
        "92: fargate-spot 3 fargate 2, 2 moved",
        "93: fargate-spot 4 fargate 1, 1 moved",
        "94: fargate-spot 4 fargate 0, 0 moved",
    ]
    steady = "(service web) has reached a steady state."
    moves = [message for _, message in day.events if message != steady and "deployment completed" not in message]
    assert [one for one in moves if "unable to place" not in one] == [
        "(service web) 4 tasks found no place on fargate-spot for 5m and start on fargate.",
        *["(service web) 1 task of fargate-spot left fargate."] * 4,
    ]


def test_two_come_back_at_a_time() -> None:
    fallback = {"to": "fargate", "after": "5m", "returnAfter": "1h10m", "maxMoving": 2}
    assert list(_told(SpotDay(4, _lost_for_a_while, fallback=fallback), 120))[3:] == [
        "95: fargate-spot 2 fargate 4, 4 moved",
        "96: fargate-spot 4 fargate 2, 2 moved",
        "97: fargate-spot 4 fargate 0, 0 moved",
    ]


def test_where_nothing_may_be_added_one_stops_first() -> None:
    day = SpotDay(4, _lost_for_a_while, percents=(50, 100))
    assert list(_told(day, 120))[2:] == [
        "25: fargate-spot 0 fargate 4, 4 moved",
        "55: fargate-spot 0 fargate 3, 1 waiting, 3 moved",
        "60: fargate-spot 0 fargate 4, 4 moved",
        "90: fargate-spot 1 fargate 3, 3 moved",
        "91: fargate-spot 2 fargate 2, 2 moved",
        "92: fargate-spot 3 fargate 1, 1 moved",
        "93: fargate-spot 4 fargate 0, 0 moved",
    ]


def test_without_a_fallback_tasks_wait() -> None:
    day = SpotDay(4, _lost_for_a_while, fallback={})
    assert list(_told(day, 120)) == [
        "1: fargate-spot 4 fargate 0, 0 moved",
        "20: fargate-spot 0 fargate 0, 4 waiting, 0 moved",
        "85: fargate-spot 4 fargate 0, 0 moved",
    ]


def test_fewer_wanted_take_those_elsewhere_first() -> None:
    day = SpotDay(4, lambda provider, _: 2 if provider == "fargate-spot" else PLENTY)
    assert list(_told(day, 10))[-1] == "6: fargate-spot 2 fargate 2, 2 moved"
    day.desired = 3
    assert list(_told(day, 5)) == ["11: fargate-spot 2 fargate 1, 1 moved"]
    day.desired = 1
    assert list(_told(day, 5)) == ["16: fargate-spot 1 fargate 0, 0 moved"]


@pytest.mark.parametrize("seed", range(3))
def test_no_flapping_on_a_day_on_which_spot_comes_and_goes(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # a day like any other, the same each time
    rooms = [chance.choice([0, 3, 6, 6, PLENTY]) for _ in range(60)]

    def room(provider: str, now: datetime) -> int:
        """Another number of places every twenty minutes; the last four hours are calm."""
        index = _minute(now) // 20
        return PLENTY if provider == "fargate" or index >= len(rooms) else rooms[index]

    day = SpotDay(6, room, weights={"fargate": 1, "fargate-spot": 2})
    moved, gave_up, unhealthy = 0, START - RETURN_AFTER, 0
    for _ in day.minutes(24 * 60):
        unhealthy = unhealthy + 1 if day.healthy < day.desired else 0
        assert unhealthy <= 8, "longer without enough tasks than waiting and starting takes"
        assert len(day.pods) <= 2 * day.desired
        if day.moved > moved:
            gave_up = day.now
        if day.moved < moved:
            assert day.now - gave_up >= RETURN_AFTER, "came back too early"
            assert moved - day.moved == 1
        moved = day.moved
    assert (day.there("fargate"), day.there("fargate-spot"), moved) == (2, 4, 0)


@given(
    st.integers(1, 12),
    st.sets(st.integers(0, 11), max_size=12),
    st.sampled_from([(100, 200), (100, 110), (100, 150), (50, 200)]),
)
@settings(max_examples=40, deadline=None)
def test_dying_nodes_cost_no_healthy_task(desired: int, dying: set[int], percents: tuple[int, int]) -> None:
    """Wherever one task may be added: each is replaced before it stops, and nothing moves that need not."""
    day = SpotDay(desired, lambda _provider, _now: PLENTY, percents=percents, fallback={}, uneven=True)
    for _ in day.minutes(4):
        pass
    pods = list(day.pods)
    assert day.healthy == desired
    day.draining = {pod.node for index, pod in enumerate(pods) if index in dying}
    moves = desired * percents[1] // 100 > desired
    for _ in day.minutes(40):
        assert day.healthy >= desired
        assert len(day.pods) <= desired * percents[1] // 100
    if moves:
        assert not day.draining & {pod.node for pod in day.pods}
    assert {pod.name for pod in pods if pod.node not in day.draining} <= {pod.name for pod in day.pods}
    assert len(day.pods) == desired
