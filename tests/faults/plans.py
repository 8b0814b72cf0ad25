"""Every plan, enumerated: an oracle, a workload, and one fault at one place."""

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

from berth.controllers import TABLE
from berth.engine.api import Answer
from berth.resources import Resource
from faults.fault import (
    AtEvent,
    AtWrite,
    Blind,
    Call,
    Drop,
    Effect,
    End,
    Fault,
    Forgetful,
    Gap,
    Gathered,
    Late,
    Refusing,
    Stale,
)
from faults.judge import Evidence, differences, masked
from faults.run import Terms, run
from faults.server import Event
from faults.workloads import WORKLOADS, Workload
from faults.writes import refusal


@dataclass(frozen=True, slots=True)
class Plan:
    """One run and its verdict."""

    name: str
    check: Callable[[], list[str]]
    """The differences from what should be; none is right."""

    @property
    def oracle(self) -> str:
        return self.name.partition("/")[0]


BY_NAME = {workload.name: workload for workload in WORKLOADS}
KINDS = {str(watch.resource): watch.resource for watch in TABLE.watches if watch.resource.plural != "nodes"}

_LATER = Answer(429, refusal(429, "TooManyRequests", "later").body, "3")
ANSWERS: dict[str, tuple[Effect, bool]] = {
    "409": (refusal(409, "Conflict", "the object has been modified"), False),
    "422": (refusal(422, "Invalid", "refused on purpose"), False),
    "403": (refusal(403, "Forbidden", "exceeded quota"), False),
    "429": (_LATER, False),
    "500": (refusal(500, "InternalError", "failed calling webhook"), False),
    "503": (refusal(503, "ServiceUnavailable", "the API server is shutting down"), False),
    "reset": (End.RESET, False),
    "hang": (End.HANG, False),
    "500-after-commit": (refusal(500, "InternalError", "etcdserver: request timed out"), True),
    "timeout-after-commit": (End.HANG, True),
    "reset-after-commit": (End.RESET, True),
}
LONG_SECONDS = 120.0
LONG_RUN = 50
"""Of workloads with more writes than this, every third is answered so for two minutes, too."""
CALM_SECONDS = 60.0
LASTING = ("409", "403", "500", "reset", "hang")
"""Answers that are tried for two minutes, too."""
BACK = (1, 3, 8, 20, 60)
NAMED = ("create", "update", "scale", "recreate", "shared")
"""The workloads of which nothing is left out; of the others, some oracles take each third place."""


@cache
def reference(name: str) -> tuple[Evidence, frozenset[str]]:
    """A workload without faults, and what two such runs differ in."""
    first = run(BY_NAME[name])
    second = run(BY_NAME[name], terms=Terms(seed=7, step=3))
    return first, masked(first, second)


def compared(name: str, fault: Fault, workload: Workload | None = None) -> list[str]:
    """What a fault changed. It counts as it goes, so each run has one of its own."""
    right, mask = reference(name)
    return differences(right, run(workload or BY_NAME[name], copy.deepcopy(fault)), mask)


def _plan(name: str, workload: Workload, make: Callable[[], Fault]) -> Plan:
    return Plan(name, lambda: compared(workload.name, make()))


def _writes(workload: Workload) -> range:
    return range(len(reference(workload.name)[0].writes))


def _events(workload: Workload) -> range:
    return range(reference(workload.name)[0].deliveries)


def _kinds(workload: Workload) -> dict[str, Resource]:
    """Those that the workload has objects of: of the others there is nothing to be told too late."""
    there = reference(workload.name)[0].kinds
    return {name: resource for name, resource in KINDS.items() if resource in there}


def _some(workload: Workload, places: range) -> range:
    return places if workload.name in NAMED else places[::3]


def crashes() -> Iterator[Plan]:
    """O4: the process is killed before and after every write, and at every event; it stays away briefly, or longer."""
    for workload in WORKLOADS:
        for write in _writes(workload):
            for when in ("before", "after"):
                for down in (2.0, 45.0) if workload.name in NAMED else (2.0,):
                    make = _at(AtWrite(down=down, write=write, effect=End.KILL, late=when == "after"))
                    yield _plan(f"O4/{workload.name}/{when}/{write}/{down:.0f}s", workload, make)
        for number in _some(workload, _events(workload)):
            yield _plan(f"O4/{workload.name}/event/{number}", workload, _at(AtEvent(number=number, fate=End.KILL)))


def stale_reads() -> Iterator[Plan]:
    """O5: lists and watches are stuck in the past, for a new process or for one that runs, of all kinds or of one."""
    for workload in WORKLOADS:
        for write in _writes(workload):
            for back in BACK if workload.name in NAMED else BACK[1::2]:
                make = _at(Stale(write=write, back=back))
                yield _plan(f"O5/{workload.name}/restart/{write}/{back}", workload, make)
            make = _at(Stale(write=write, back=30, kill=False))
            yield _plan(f"O5/{workload.name}/reconnect/{write}/30", workload, make)
        for name, resource in _kinds(workload).items():
            for write in _writes(workload)[::6]:
                make = _at(Stale(write=write, back=12, kill=False, resource=resource))
                yield _plan(f"O5/{workload.name}/{name}/{write}/12", workload, make)


def unobserved() -> Iterator[Plan]:
    """O6: each event is lost; or only the last version of each object is ever told; or nothing is."""
    for workload in WORKLOADS:
        for number in _events(workload):
            yield _plan(f"O6/{workload.name}/lost/{number}", workload, _at(AtEvent(number=number, fate=Drop())))
        for seconds in (0.5, 2.0, 5.0, 20.0, 60.0):
            yield _plan(f"O6/{workload.name}/final/{seconds}s", workload, _at(Gathered(seconds=seconds)))


def gaps() -> Iterator[Plan]:
    """O7: the watches break before each event and come back to 410, or to where they were."""
    for workload in WORKLOADS:
        for number in _some(workload, _events(workload)):
            for seconds in (5.0, 100.0):
                make = _at(AtEvent(number=number, fate=Gap(seconds)))
                yield _plan(f"O7/{workload.name}/410/{number}/{seconds:.0f}s", workload, make)
            make = _at(AtEvent(number=number, fate=Gap(20.0, compacted=False)))
            yield _plan(f"O7/{workload.name}/resumed/{number}", workload, make)
        small = replace(workload, settings=(("list_chunk", 1), ("sweep_chunk", 1)))
        for write in _writes(workload)[::6]:
            for page in (0, 3, 7):
                fault = Forgetful(write=write, page=page)
                yield Plan(f"O7/{workload.name}/page/{write}/{page}", partial(compared, workload.name, fault, small))


def failed_writes() -> Iterator[Plan]:
    """O8: every write gets every answer, once and for two minutes."""
    for workload in WORKLOADS:
        lasting = _writes(workload)[:: 3 if len(_writes(workload)) > LONG_RUN else 1]
        for write in _some(workload, _writes(workload)):
            for answer, (effect, late) in ANSWERS.items():
                twice = workload.name in NAMED and answer in LASTING and write in lasting
                for seconds in (0.0, LONG_SECONDS) if twice else (0.0,):
                    make = _at(AtWrite(write=write, effect=effect, late=late, seconds=seconds))
                    yield _plan(f"O8/{workload.name}/{answer}/{write}/{seconds:.0f}s", workload, make)


def refusals() -> Iterator[Plan]:
    """O9: a quota, a webhook or a right stands in the way of one kind for ten minutes, and nobody edits the object."""
    for workload in WORKLOADS:
        for kind in ("deployments", "controllerrevisions", "api/v1", "horizontalpodautoscalers", "/status", ""):
            for answer in ("403", "422", "500"):
                make = _refusing(kind, ANSWERS[answer][0])
                yield _plan(f"O9/{workload.name}/{kind.replace('/', '-') or 'all'}/{answer}", workload, make)


def reordered() -> Iterator[Plan]:
    """O2: events of different objects and kinds overtake one another."""
    for workload in WORKLOADS:
        for seed in range(12):
            yield _plan(f"O2/{workload.name}/shuffled/{seed}", workload, _shuffling(seed))
        for name in _kinds(workload):
            yield _plan(f"O2/{workload.name}/late/{name}", workload, _late(name))


def blind() -> Iterator[Plan]:
    """O18: a watch that says nothing, for ever, and reports no error: the sweep finds out."""
    for workload in WORKLOADS:
        yield _plan(f"O18/{workload.name}/all", workload, _at(Blind()))
        for name, resource in _kinds(workload).items():
            yield _plan(f"O18/{workload.name}/{name}", workload, _at(Blind(resource=resource)))


def histories() -> Iterator[Plan]:
    """O19: in no order of things does observedGeneration fall, nor Ready hold for what is not there."""
    for workload in WORKLOADS:
        for seed in range(2, 7):
            yield Plan(f"O19/{workload.name}/{seed}", partial(_undisturbed, workload, seed))


def _undisturbed(workload: Workload, seed: int) -> list[str]:
    """Without a fault nothing waits for a sweep to find it."""
    evidence = run(workload, terms=Terms(seed))
    late = [f"took {evidence.seconds:.0f} s without any fault"] if evidence.seconds > CALM_SECONDS else []
    return evidence.faults + late


def _at(fault: Fault) -> Callable[[], Fault]:
    return lambda: fault


def _refusing(kind: str, effect: Effect) -> Callable[[], Fault]:
    def picks(call: Call) -> bool:
        return kind in call.request.path

    return lambda: Refusing(picks=picks, effect=effect)


def _shuffling(seed: int) -> Callable[[], Fault]:
    def make() -> Fault:
        chance = random.Random(seed)  # noqa: S311  # the same order each time
        return Late(waits=lambda _event: chance.choice((0.0, 0.0, 0.01, 0.2, 1.5)))

    return make


def _late(kind: str) -> Callable[[], Fault]:
    def waits(event: Event) -> float:
        return 5.0 if str(event.key.resource) == kind else 0.0

    return lambda: Late(waits=waits)


SOURCES = (reordered, crashes, stale_reads, unobserved, gaps, failed_writes, refusals, blind, histories)
