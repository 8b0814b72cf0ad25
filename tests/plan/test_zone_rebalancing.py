"""availabilityZoneRebalancing: what a user sees when a zone goes and comes back, and that it always comes to an end."""

import random
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from berth.plan.moment import written
from berth.plan.zone_rebalancing import MOST_FAILURES
from support.zone_day import ZoneDay, emptiest

REST = 30
"""Minutes in which a move would have begun."""


def _last(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def _steady(day: ZoneDay, minutes: int = 5) -> ZoneDay:
    """All of its tasks run; what comes is counted from here on."""
    _last(day.minutes(minutes))
    assert sum(day.counts().values()) == day.desired
    day.most, day.least_healthy, day.started, day.events = 0, 10**6, 0, []
    return day


def _rests(day: ZoneDay, minutes: int = REST) -> None:
    writes, started = day.writes, day.started
    _last(day.minutes(minutes, max(1, minutes // REST)))
    assert (day.writes, day.started) == (writes, started), "something is done at rest"


def _without_c(desired: int = 6) -> ZoneDay:
    """Zone c goes, its tasks run elsewhere, and it comes back."""
    day = _steady(ZoneDay.of(desired, "abc"))
    day.zones.remove("c")
    _steady(day)
    day.zones.add("c")
    return day


def test_tasks_return_one_at_a_time_when_a_zone_comes_back() -> None:
    day = _without_c()
    seen = [day.counts()]
    for _ in day.minutes(20):
        if day.counts() != seen[-1]:
            seen.append(day.counts())
    assert seen == [
        {"a": 3, "b": 3, "c": 0},
        {"a": 3, "b": 3, "c": 1},
        {"a": 2, "b": 3, "c": 2},
        {"a": 2, "b": 2, "c": 2},
    ]
    assert (day.least_healthy, day.most) == (6, 7)
    steady = "(service web) has reached a steady state."
    assert [message for _, message in day.events] == [
        "(service web) is not AZ balanced with 3 tasks in a, 3 tasks in b, 0 tasks in c. AZ Rebalancing in progress.",
        steady,
        "(service web) has started 1 tasks in c to AZ Rebalance.",
        "(service web) has stopped 1 running tasks in a due to AZ rebalancing: (task fargate-0001).",
        steady,
        "(service web) has started 1 tasks in c to AZ Rebalance.",
        "(service web) has stopped 1 running tasks in b due to AZ rebalancing: (task fargate-0002).",
        "(service web) is AZ balanced with 2 tasks in a, 2 tasks in b, 2 tasks in c.",
    ]
    assert "zoneRebalancing" not in day.status
    _rests(day)


def test_nobody_who_did_not_ask_is_moved() -> None:
    day = _without_c()
    day.more.clear()
    _rests(day)
    assert day.counts() == {"a": 3, "b": 3, "c": 0}


def test_where_no_task_may_be_added_none_moves() -> None:
    day = _without_c(4)
    day.percents = (50, 120)
    _rests(day)
    assert day.counts() == {"a": 2, "b": 2, "c": 0}


def test_a_scheduler_that_prefers_another_zone_is_asked_less_and_less_and_then_no_more() -> None:
    day = _without_c()
    day.choose = lambda counts: "a" if "a" in counts else emptiest(counts)
    starts = [minute for minute, _ in enumerate(day.minutes(600)) if _began(day)]
    assert len(starts) == MOST_FAILURES
    waits = [later - earlier for earlier, later in pairwise(starts)]
    assert [round(wait / 10) for wait in waits] == [1, 2, 4, 8]
    assert (day.least_healthy, day.most) == (6, 7)
    assert len(day.told("is unable to place a task in c")) == MOST_FAILURES
    assert day.told("Nothing more is tried")
    _rests(day, 600)
    day.zones.add("d")
    day.choose = emptiest
    _last(day.minutes(40))
    assert day.counts() == {"a": 2, "b": 2, "c": 1, "d": 1}


def _began(day: ZoneDay) -> bool:
    """A move began in this minute."""
    record = day.status.get("zoneRebalancing", {})
    return bool(record.get("task")) and record["startedAt"] == written(day.now)


def test_a_zone_without_room_costs_a_waiting_task_for_a_while_and_none_that_runs() -> None:
    day = _without_c()
    day.choose = lambda _: ""
    _last(day.minutes(600, 2))
    assert day.counts() == {"a": 3, "b": 3, "c": 0}
    assert day.least_healthy == day.desired == len(day.pods)
    assert day.status["zoneRebalancing"]["failedAttempts"] == MOST_FAILURES
    _rests(day, 600)
    # Another number of tasks is a reason to try again.
    day.choose, day.desired = emptiest, 8
    _last(day.minutes(60))
    assert max(day.counts().values()) - min(day.counts().values()) <= 1


def test_a_count_that_goes_up_and_down_tries_once_for_each_change_at_most() -> None:
    day = _without_c()
    day.choose = lambda counts: "a" if counts["a"] <= counts["b"] else "b"
    began = 0
    for minute, _ in enumerate(day.minutes(300)):
        began += _began(day)
        day.desired = 6 + 2 * (minute // 7 % 2)
    assert 5 < began <= 300 // 7 + 1


def test_a_deployment_comes_first() -> None:
    day = _without_c()
    day.more["forceNewDeployment"] = "now"
    _last(day.minutes(1))
    assert "zoneRebalancing" not in day.status


COUNTS = st.lists(st.integers(0, 9), min_size=2, max_size=5)


@given(COUNTS, st.integers(0, 2**32))
@settings(deadline=None, max_examples=10)
def test_it_always_comes_to_an_end(counts: list[int], seed: int) -> None:
    """Even where the scheduler keeps to nothing: moves are bounded, and limits are kept."""
    day = _uneven(counts)
    dice = random.Random(seed)  # noqa: S311  # a scheduler's whims
    day.choose = lambda zones: dice.choice([*zones, ""])
    _last(day.minutes(1500, 8))
    assert day.least_healthy >= min(day.desired, sum(counts))
    assert day.most <= day.desired + 1
    assert day.started <= MOST_FAILURES * (1 + sum(count * count for count in counts))
    day.choose = lambda _: ""
    _rests(day)


@given(COUNTS)
@settings(deadline=None, max_examples=10)
def test_a_scheduler_that_keeps_to_the_spread_ends_with_a_difference_of_one_at_most(counts: list[int]) -> None:
    day = _uneven(counts)
    _last(day.minutes(4 * day.desired + 10))
    after = day.counts().values()
    assert max(after) - min(after) <= 1
    assert day.started == sum(max(0, now - before) for now, before in zip(after, counts, strict=True))
    assert day.least_healthy >= day.desired or not day.desired
    assert day.most <= day.desired + 1
    _rests(day)


def _uneven(counts: list[int]) -> ZoneDay:
    """A steady Service with so many tasks in each zone."""
    zones = "abcde"[: len(counts)]
    wanted = [zone for zone, count in zip(zones, counts, strict=True) for _ in range(count)]
    left = iter(wanted)
    day = ZoneDay.of(len(wanted), zones, lambda _: next(left, ""))
    day.more.clear()
    _steady(day)
    day.choose, day.more = emptiest, {"availabilityZoneRebalancing": "ENABLED"}
    return day
