"""Oracles that are stories of their own: each builds a cluster, does something, and says what was wrong."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from berth.controllers import TABLE
from faults.fault import Fault
from faults.judge import Evidence, differences, flat
from faults.run import Cluster, silence
from faults.workloads import Step, platform
from support.virtual_time import VirtualLoop

Script = Callable[[Cluster], Awaitable[list[str]]]
"""Does things with a cluster and answers what was wrong."""


def told(script: Script, make: Callable[[], Fault] = Fault) -> list[str]:
    """Run a script on virtual time."""

    async def run() -> list[str]:
        random.seed(1)
        cluster = Cluster(make(), TABLE)
        platform(cluster.server)
        try:
            return await script(cluster)
        finally:
            await cluster.stop()

    with silence(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


async def done(cluster: Cluster, step: Step) -> None:
    """Do a step and wait until it took effect."""
    step.do(cluster.user)
    await cluster.until(step.name, step.until)


async def rested(cluster: Cluster) -> Evidence:
    """What there is once everything rests."""
    await cluster.rest()
    return cluster.evidence()


def state_differences(before: Evidence, after: Evidence) -> list[str]:
    """Faults, and objects that are otherwise; how often anything was made does not matter."""
    return differences(
        Evidence(state=before.state, counts={}), Evidence(state=after.state, counts={}, faults=after.faults)
    )


def without(evidence: Evidence, *parts: str) -> Evidence:
    """The evidence without objects whose name contains one of these."""
    state = {name: body for name, body in evidence.state.items() if not any(part in name for part in parts)}
    return Evidence(state=state, faults=evidence.faults)


def children(evidence: Evidence) -> dict[str, object]:
    """All leaves of what belongs to Services."""
    kinds = ("Deployment ", "HorizontalPodAutoscaler ", "ControllerRevision ")
    return flat({name: body for name, body in evidence.state.items() if name.startswith(kinds)})
