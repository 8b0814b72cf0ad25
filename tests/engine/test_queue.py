import asyncio
import random

from berth.engine.key import Key
from berth.engine.queue import Backoff, Lane, Queue
from support.toy import THING
from support.virtual_time import VirtualClock, virtual


def key(name: str, namespace: str = "default") -> Key:
    return Key(THING, namespace, name)


def queue(first: float = 1.0, most: float = 300.0) -> Queue:
    return Queue(VirtualClock(), Backoff(first, most), random.Random(1))  # noqa: S311  # repeatable, not secret


async def taken(queue: Queue, count: int) -> list[str]:
    found: list[str] = []
    for _ in range(count):
        one = await queue.get()
        queue.done(one)
        found.append(one.name)
    return found


@virtual
async def test_a_key_added_many_times_is_worked_on_once() -> None:
    work = queue()
    for _ in range(100):
        work.add(key("a"))
    assert len(work) == 1
    assert await work.get() == key("a")
    assert len(work) == 0


@virtual
async def test_nobody_else_gets_a_key_while_it_is_worked_on_and_it_comes_again_after() -> None:
    work = queue()
    work.add(key("a"))
    first = await work.get()
    work.add(key("a"))
    work.add(key("b"))
    assert await work.get() == key("b")
    work.done(first)
    assert await work.get() == key("a")


@virtual
async def test_a_change_goes_before_routine_and_lifts_what_waits() -> None:
    work = queue()
    for name in "abc":
        work.add(key(name), Lane.ROUTINE)
    work.add(key("d"), Lane.CHANGE)
    work.add(key("c"), Lane.CHANGE)
    assert await taken(work, 4) == ["d", "c", "a", "b"]


@virtual
async def test_routine_does_not_starve_under_constant_change() -> None:
    work = queue()
    work.add(key("routine"), Lane.ROUTINE)
    for number in range(20):
        work.add(key(f"{number}"))
    assert "routine" in await taken(work, 8)


@virtual
async def test_namespaces_take_turns() -> None:
    work = queue()
    for number in range(10):
        work.add(key(f"big-{number}", "big"))
    work.add(key("small", "small"))
    assert "small" in await taken(work, 2)


@virtual
async def test_waits_after_failures_grow_within_bounds_and_start_anew_after_a_success() -> None:
    work = queue(first=1, most=8)
    for bound in (1, 2, 4, 8, 8):
        waits = Queue(VirtualClock(), Backoff(1, 8)).retry(key("other"))
        assert 0 <= waits <= 1
        assert 0 <= work.retry(key("a")) <= bound
    assert work.failing() == 1
    work.succeeded(key("a"))
    assert work.retry(key("a")) <= 1
    assert work.retry(key("b"), at_least=30) >= 30


@virtual
async def test_a_timer_brings_a_key_back_and_the_earliest_counts() -> None:
    work = queue()
    loop = asyncio.get_running_loop()
    work.add_after(key("a"), 600)
    work.add_after(key("a"), 5)
    work.add_after(key("a"), 900)
    assert await work.get() == key("a")
    assert loop.time() == 5
    work.done(key("a"))
    work.add_after(key("b"), 1000)
    assert await work.get() == key("b")
    assert loop.time() == 1005


@virtual
async def test_a_key_that_changes_all_the_time_is_worked_on_a_few_times_a_second() -> None:
    work = queue()
    runs = 0

    async def worker() -> None:
        nonlocal runs
        while True:
            one = await work.get()
            runs += 1
            await asyncio.sleep(0.001)
            work.done(one)

    task = asyncio.create_task(worker())
    for _ in range(100):
        work.add(key("hot"))
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    task.cancel()
    assert 2 <= runs <= 5


@virtual
async def test_a_worker_that_leaves_passes_its_turn_on() -> None:
    work = queue()
    first, second = asyncio.create_task(work.get()), asyncio.create_task(work.get())
    await asyncio.sleep(0)
    work.add(key("a"))
    first.cancel()
    assert await second == key("a")


@virtual
async def test_a_key_that_is_gone_leaves_nothing_behind() -> None:
    work = queue()
    work.retry(key("a"))
    work.drop(key("a"))
    await asyncio.sleep(10)
    assert len(work) == 0
    assert work.failing() == 0
    assert work.oldest_wait() == 0


@virtual
async def test_the_longest_wait_for_a_worker_is_known() -> None:
    work = queue()
    work.add(key("a"))
    await asyncio.sleep(7)
    work.add(key("b"))
    assert work.oldest_wait() == 7
    assert work.busy()
