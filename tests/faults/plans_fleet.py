"""Oracles about more than one: bad neighbours, two leaders, two builds (O16, O17, O20)."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

from berth.controllers import TABLE
from berth.engine import apply
from berth.plan import task_template
from berth.plan.outcome import Json
from berth.resources import LEASE
from berth.settings import Settings
from faults.conditions import ready
from faults.fault import Call, Effect, Fault, Refusing
from faults.plans import ANSWERS, Plan
from faults.process import Process
from faults.run import Cluster
from faults.scripts import Script, done, rested, state_differences, told
from faults.workloads import CREATE, SCALING, web
from support.manifests import task_definition


def neighbours() -> Iterator[Plan]:
    """O16: an object that changes all the time, or always fails, delays no other."""
    for kind in ("changing", "failing"):
        yield Plan(f"O16/{kind}", partial(_beside, kind))


def _beside(kind: str) -> list[str]:
    calm = _longest(Fault, noisy=False)
    failing = _always_failing("/noisy") if kind == "failing" else Fault
    loud = _longest(failing, noisy=True)
    return [] if loud <= calm * 1.2 + 0.2 else [f"others took {loud:.2f} s instead of {calm:.2f} s"]


def _always_failing(part: str) -> Callable[[], Fault]:
    def picks(call: Call) -> bool:
        return part in call.request.path

    return lambda: Refusing(picks=picks, effect=ANSWERS["500"][0], seconds=1e9)


def _longest(make: Callable[[], Fault], *, noisy: bool) -> float:
    took: list[float] = []

    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        loop = asyncio.get_running_loop()
        cluster.user.apply(task_definition())
        if noisy:
            cluster.user.apply(web("noisy"))
        await asyncio.sleep(10)
        noise = asyncio.create_task(_noise(cluster)) if noisy else None
        for number in range(8):
            started = loop.time()
            cluster.user.apply(web(f"other-{number}"))
            await cluster.until("other", ready(f"other-{number}"), 120)
            took.append(loop.time() - started)
        if noise is not None:
            noise.cancel()
        return []

    told(script, make)
    return max(took)


async def _noise(cluster: Cluster) -> None:
    count = 0
    while True:
        count += 1
        cluster.user.scale("noisy", count % 7)
        await asyncio.sleep(0.02)


class _CutOff(Fault):
    """From some time on the Lease cannot be renewed, while all else goes through."""

    def __init__(self, start: float, seconds: float, effect: Effect) -> None:
        super().__init__()
        self._start, self._end, self._effect = start, start + seconds, effect

    def before(self, call: Call) -> Effect:
        cut = f"/{LEASE.plural}" in call.request.path and self._start <= call.time < self._end
        return self._effect if cut else None


def leaders() -> Iterator[Plan]:
    """O17: a leader that cannot renew writes nothing past its deadline, and the other takes over."""
    for effect in ("hang", "reset", "500"):
        for tenths in range(0, 40, 4):
            yield Plan(f"O17/{effect}/{tenths / 10}s", partial(told, _led(effect, tenths)))


def _led(effect: str, tenths: int) -> Script:
    async def script(cluster: Cluster) -> list[str]:
        start = 30 + tenths / 10
        faults = {"berth-a": _CutOff(start, 60, ANSWERS[effect][0]), "berth-b": Fault()}
        for name, fault in faults.items():
            settings = Settings(identity=name, lease_seconds=15, renew_deadline_seconds=10, retry_seconds=2)
            process = Process(cluster.server, fault, TABLE, settings, 1)
            cluster.processes.append(process)
            process.start()
            await asyncio.sleep(1)
        await asyncio.sleep(start - 2)
        # Something is under way all the time, before, during and after the change of leaders.
        for number in range(30):
            cluster.user.apply(task_definition(image=f"shop/web:{number % 2}"), web(autoScaling=SCALING))
            await asyncio.sleep(1)
        await cluster.until("ready", ready())
        evidence = await rested(cluster)
        return [one for one in evidence.faults if "process died" not in one] + _overlap(cluster, start)

    return script


def _overlap(cluster: Cluster, cut: float) -> list[str]:
    written = [event for event in cluster.server.log if event.by.startswith("berth-")]
    work = [event for event in written if event.key.resource != LEASE]
    last = max((event.time for event in work if event.by == "berth-a"), default=0.0)
    first = min((event.time for event in work if event.by == "berth-b"), default=float("inf"))
    deadline = cut + 10
    found = [f"the old leader wrote {last - deadline:.2f} s after its deadline"] if last > deadline else []
    found += [f"two led: one wrote until {last:.2f}, the other from {first:.2f}"] if first < last else []
    return found + ([f"nobody led for {first - cut:.1f} s"] if first - cut > 15 + 2 * 2 + 3 else [])


def upgrades() -> Iterator[Plan]:
    """O20: another build and back restarts no pod, and ends where it began."""
    for name, patches in _BUILDS.items():
        yield Plan(f"O20/{name}", partial(told, _upgraded(patches)))


def _more_labels(original: Callable[..., Json]) -> Callable[..., Json]:
    return lambda *given: {**original(*given), "berth.dev/build": "next"}


def _hardened(original: Callable[..., Json]) -> Callable[..., Json]:
    def template(*given: Any) -> Json:
        made = original(*given)
        return {**made, "spec": {**made["spec"], "terminationGracePeriodSeconds": 60}}

    return template


def _labelled(original: Callable[..., Json]) -> Callable[..., Json]:
    def manifest(*given: Any) -> Json:
        made = original(*given)
        metadata = made["metadata"]
        return {**made, "metadata": {**metadata, "labels": {**metadata["labels"], "berth.dev/build": "next"}}}

    return manifest


_BUILDS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "labels-of-tasks": (task_template, "task_labels", _more_labels),
    "template": (task_template, "task_template", _hardened),
    "labels-of-children": (apply, "_manifest", _labelled),
}


def _upgraded(build: tuple[Any, str, Callable[..., Any]]) -> Script:
    module, name, change = build

    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        before = await rested(cluster)
        await cluster.stop()
        with patch.object(module, name, change(getattr(module, name))):
            cluster.start()
            await rested(cluster)
            for count in (6, 4):
                cluster.user.apply(web(desiredCount=count, autoScaling=SCALING))
                await cluster.until("scaled", ready())
            await cluster.stop()
        cluster.start()
        after = await rested(cluster)
        restarts = [f"pods of {one} were replaced" for one in cluster.kube.rollouts]
        return restarts + state_differences(before, after)

    return script
