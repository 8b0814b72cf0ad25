"""Room for tasks to come: how much, and for tasks of which size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.plan.headroom import MOST, room_for
from berth.plan.provider_load import Load
from berth.plan.task_size import Size

LOADS = st.lists(
    st.builds(Load, st.integers(0, 60), st.just(0), st.builds(Size, st.integers(0, 64000), st.integers(0, 1 << 36))),
    max_size=8,
)


def of(count: int, cpu: int = 250, memory: int = 1 << 29) -> Load:
    return Load(count, 0, Size(cpu, memory))


@pytest.mark.parametrize(
    ("tasks", "target", "free"),
    [
        (0, 50, 0),
        (1, 100, 0),
        (1, 99, 1),
        (10, 100, 0),
        (10, 90, 2),
        (10, 80, 3),
        (10, 50, 10),
        (100, 90, 12),
        (1, 1, 99),
    ],
)
def test_how_many_places_are_kept_free(tasks: int, target: int, free: int) -> None:
    assert room_for([of(tasks)], target).count == free


@given(LOADS, st.integers(1, 100))
def test_with_them_the_nodes_are_full_to_the_target_and_with_one_less_above_it(loads: list[Load], target: int) -> None:
    tasks = sum(one.wanted for one in loads)
    room = room_for(loads, target)
    if room.count < MOST:
        assert tasks * 100 <= target * (tasks + room.count)
        assert room.count == 0 or tasks * 100 > target * (tasks + room.count - 1)
    assert (room.count == 0) == (tasks == 0 or target == 100)


@given(LOADS)
def test_half_of_the_tasks_are_no_larger_and_half_no_smaller(loads: list[Load]) -> None:
    tasks = sum(one.wanted for one in loads)
    size = room_for(loads, 50).size
    for mine, theirs in ((size.cpu, "cpu"), (size.memory, "memory")):
        sizes = [(getattr(one.size, theirs), one.wanted) for one in loads]
        assert 2 * sum(count for value, count in sizes if value <= mine) >= tasks
        assert 2 * sum(count for value, count in sizes if value >= mine) >= tasks


def test_what_nobody_wants_has_no_weight() -> None:
    assert room_for([of(3, 250), of(0, 4000), of(2, 1000)], 50).size.cpu == 250
