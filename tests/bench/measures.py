"""The measurements, in the order in which one run makes them."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import floor, scene
from bench.audit import ASIDE, Request, Tail, counts, span
from bench.client import Client, Json, merge
from bench.figures import Figure, mean, share
from bench.process import Process
from bench.processor import Processors, seconds_of, spent
from berth.lab import Lab
from berth.lab.progress import step
from berth.resources import SERVICE

STATUS = "patch services.berth.dev/status"
_REVISION = "patch taskdefinitionrevisions.berth.dev"
_IDLE_SECONDS = 60
_CHANGES = 200
_PATIENCE = 600.0
_ONE_CHANGE = 30.0
_CALM_SECONDS = 8.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share."""

    lab: Lab
    floor: Client
    people: Client
    process: Process
    processors: Processors
    count: int

    def tail(self) -> Tail:
        return Tail(self.lab.audit_log)


async def settle(bench: Bench) -> None:
    """Task definitions get their revisions before anything is measured."""
    tail = bench.tail()
    places = len(scene.namespaces())
    bench.process.start()
    for version in (1, 2):
        if version == 2:
            await scene.second_revision(bench.people)
        await bench.process.until(_registered(tail, version * places), _PATIENCE, "each task definition has revisions")
    bench.process.stop()


@dataclass(frozen=True, slots=True)
class Run:
    """One way to get so many Services' children and statuses written: seconds, and processor seconds by program."""

    seconds: float
    processor: dict[str, float]
    requests: list[Request]


def _registered(tail: Tail, count: int) -> Callable[[], bool]:
    return lambda: counts(tail.of(scene.OPERATOR))[_REVISION] >= count


async def one_floor(bench: Bench, count: int) -> Run:
    """The floor over Services that have nothing yet."""
    await scene.make_services(bench.people, count)
    work = await floor.prepare(bench.people)
    tail, before = bench.tail(), bench.processors.seconds(os.getpid())
    await floor.run(bench.floor, work)
    after = bench.processors.seconds(os.getpid())
    await _logged(tail, scene.FLOOR, sum(map(len, work)))
    return Run(span(tail.found), spent(before, after), tail.found)


async def one_converge(bench: Bench) -> Run:
    """The operator over Services that have nothing yet, from its first request to its last write."""
    await scene.make_services(bench.people, bench.count)
    tail, before = bench.tail(), bench.processors.seconds()
    bench.process.start()
    await bench.process.until(
        lambda: counts(tail.of(scene.OPERATOR))[STATUS] >= bench.count, _PATIENCE, "each Service has a status"
    )
    after = bench.processors.seconds(bench.process.pid)
    requests = tail.of(scene.OPERATOR)
    last = max(one.ended for one in requests if one.writes)
    return Run(span(one for one in requests if one.ended <= last), spent(before, after), requests)


async def converge(bench: Bench, rounds: int) -> list[Figure]:
    """Floor and operator in turn, so that what changes with time touches both; the last operator goes on running."""
    floors: list[Run] = []
    runs: list[Run] = []
    with step(f"{bench.count} Services from nothing, against the floor") as report:
        await one_floor(bench, min(bench.count, 200))  # warms the API server up
        await scene.clear(bench.people)
        for number in range(rounds):
            floors.append(await one_floor(bench, bench.count))
            report(f"floor {floors[-1].seconds:.1f} s")
            await scene.clear(bench.people)
            runs.append(await one_converge(bench))
            report(f"operator {runs[-1].seconds:.1f} s")
            if number < rounds - 1:
                bench.process.stop()
                await scene.clear(bench.people)
    return [_converge(floors, runs), _cost(floors, runs), _writes(bench.count, runs[-1].requests)]


def _converge(floors: list[Run], runs: list[Run]) -> Figure:
    more = {"floors": [round(one.seconds, 2) for one in floors], "values": [round(one.seconds, 2) for one in runs]}
    value, least = mean([one.seconds for one in runs]), mean([one.seconds for one in floors])
    return Figure("converge", value, "s", 1.5, least, more)


def _cost(floors: list[Run], runs: list[Run]) -> Figure:
    """Processor time of client, API server and etcd together: no neighbour on the machine changes it much."""
    more = {"floors": [one.processor for one in floors], "values": [one.processor for one in runs]}
    value = mean([sum(one.processor.values()) for one in runs])
    return Figure("converge cost", value, "CPU s", None, mean([sum(one.processor.values()) for one in floors]), more)


def _writes(count: int, requests: list[Request]) -> Figure:
    children = {kind.plural for kind in scene.CHILDREN}
    kinds = counts(requests, lambda one: one.writes)
    needed = sum(amount for kind, amount in kinds.items() if kind.split()[1] in children) / count
    refused = sum(one.code >= 400 for one in requests)
    more = {"by_kind": dict(kinds), "children": needed, "refused": refused, "others": dict(_others(requests))}
    return Figure("writes per new Service", sum(kinds.values()) / count, "requests", 6 + 1, more=more)


async def restart(bench: Bench) -> Figure:
    """A new process over all that is in place: every Service is looked at, nothing is written."""
    with step(f"Restart over {bench.count} Services"):
        bench.process.stop()
        tail = bench.tail()
        bench.process.start()
        await bench.process.wait_reconciled(bench.count, _PATIENCE)
        await _quiet(tail)
        requests = tail.of(scene.OPERATOR)
        reads = counts(requests, lambda one: one.verb in {"get", "list", "watch"} and one.resource != "leases")
        dry = sum(one.dry for one in requests)
        more = {"reads": sum(reads.values()), "gets": reads_of(requests), "dry_runs": dry, "by_kind": dict(reads)}
        return Figure("restart", sum(one.writes for one in requests), "writes", 0, more=more)


def reads_of(requests: list[Request]) -> int:
    """Reads of single objects: a restart that makes any grows with the number of objects."""
    return sum(one.verb == "get" and bool(one.name) and one.resource != "leases" for one in requests)


async def idle(bench: Bench) -> list[Figure]:
    """Nothing happens for a minute, but for a sweep when its turn comes."""
    with step(f"{_IDLE_SECONDS} s in which nothing happens"):
        before = seconds_of(bench.process.pid)
        tail = bench.tail()
        await asyncio.sleep(_IDLE_SECONDS)
        requests = tail.of(scene.OPERATOR)
        processor = (seconds_of(bench.process.pid) - before) / _IDLE_SECONDS
    more = {"by_kind": dict(counts(requests)), "processor": round(processor, 5)}
    return [
        Figure("idle writes", sum(one.writes for one in requests), "writes", 0),
        Figure("idle requests", len(requests) / _IDLE_SECONDS, "1/s", 0.6, more=more),
    ]


async def change(bench: Bench) -> list[Figure]:
    """One Service after another gets another revision and another maximum: each of its children changes."""
    seconds: list[float] = []
    tail = bench.tail()
    with step(f"{_CHANGES} changes, one after another") as report:
        for number, (place, body) in zip(range(_CHANGES), _spread(bench.count), strict=False):
            name = body["metadata"]["name"]
            spec = scene.wish(web=2, most=11)
            await bench.people.send(merge(SERVICE.path(place, name), {"spec": spec}))
            seconds.append(await _applied(tail, place, name))
            report(f"{number + 1} of {_CHANGES}")
    more = {"p50": round(share(seconds, 50), 3), "p99": round(share(seconds, 99), 3), "most": round(max(seconds), 3)}
    return [
        Figure("change p50", share(seconds, 50), "s", 0.1, more=more),
        Figure("change p99", share(seconds, 99), "s", 1.0),
    ]


async def rebalance(bench: Bench) -> Figure:
    """The spot pool is taken away: each Service of ten tasks lets others start on its other provider.

    Nobody starts pods here, so this is the first step of the move, for all Services at once: two Deployments and a
    status each. The floor then sends the same objects, as they were before.
    """
    with step(f"{bench.count} Services of 10 tasks lose a pool") as report:
        tail = bench.tail()
        await scene.ten_tasks(bench.people, bench.count)
        await bench.process.until(
            lambda: counts(tail.of(scene.OPERATOR))[STATUS] >= bench.count, _PATIENCE, "ten tasks"
        )
        await _quiet(bench.tail())
        back = await floor.as_it_is(bench.people)
        tail = bench.tail()
        await scene.lose_spot(bench.people)
        await bench.process.until(lambda: counts(tail.of(scene.OPERATOR))[STATUS] >= bench.count, _PATIENCE, "the move")
        await _quiet(bench.tail())
        requests = tail.of(scene.OPERATOR)
        writes = [one for one in requests if one.writes]
        lost = next(one for one in tail.found if one.user == scene.PEOPLE and one.verb == "delete")
        seconds = max(one.ended for one in writes) - lost.begun
        bench.process.stop()
        tail = bench.tail()
        await floor.run(bench.floor, back)
        await _logged(tail, scene.FLOOR, sum(map(len, back)))
        least = span(tail.of(scene.FLOOR))
        report(f"operator {seconds:.1f} s, floor {least:.1f} s")
    more = {"writes": len(writes), "floor_writes": sum(map(len, back)), "by_kind": dict(counts(writes))}
    return Figure("rebalance", seconds, "s", 2, least, more)


async def _applied(tail: Tail, place: str, name: str) -> float:
    """Seconds from the arrival of a person's change to the answer of the last write of a child."""
    begun = 0.0
    ends: list[float] = []
    async with asyncio.timeout(_ONE_CHANGE):
        while True:
            for one in tail.read():
                if one.user == scene.PEOPLE and (one.namespace, one.name) == (place, name):
                    begun = one.begun
                elif one.user == scene.OPERATOR and one.writes and one.namespace == place:
                    ends.append(one.ended)
                    if one.kind_of_request == STATUS:
                        return ends[-2] - begun
            await asyncio.sleep(0.005)


async def _quiet(tail: Tail) -> None:
    """Until the operator, its watches and the sweep that follows their lists have come to rest."""
    async with asyncio.timeout(_PATIENCE):
        calm = 0.0
        while calm < _CALM_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
            busy = any(one.user == scene.OPERATOR and one.resource not in ASIDE for one in tail.read())
            calm = 0.0 if busy else calm + _LOOK_SECONDS


async def _logged(tail: Tail, user: str, count: int) -> None:
    """The log is written after the answer is sent."""
    async with asyncio.timeout(_ONE_CHANGE):
        while len(tail.of(user)) < count:  # noqa: ASYNC110  # a file tells nobody that it grows
            await asyncio.sleep(0.05)


def _spread(count: int) -> Iterator[tuple[str, Json]]:
    """Services from all over the range."""
    every = list(scene.services(count))
    step_size = max(1, count // _CHANGES)
    return iter(every[::step_size])


def memory(bench: Bench, when: str) -> Figure:
    now, most = bench.process.memory()
    return Figure(f"memory {when}", now, "MB", 110 + 10 * bench.count / 1000, more={"highest": round(most, 1)})


def _others(requests: list[Request]) -> Counter[str]:
    return Counter(one.agent for one in requests if not one.agent.startswith("berth"))
