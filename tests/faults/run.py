"""One run of a workload under a fault, on virtual time."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass

from berth.controllers import TABLE
from berth.engine.controller import Table
from berth.settings import Settings
from faults.fault import Fault, Forgetful, Late, Stale
from faults.judge import Evidence, Monitor, counts_of, state_of
from faults.kube import ControlPlane
from faults.process import Process
from faults.server import Server
from faults.workloads import User, Workload, platform
from support.virtual_time import VirtualLoop

STEP_SECONDS = 1500.0
"""Within this an operator that sees nothing but its sweeps has done a step."""
REST_SECONDS = 700.0
QUIET_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What two runs of the same plan may differ in, and nothing else."""

    seed: int = 1
    step: int = 1


class Cluster:
    """A server, its control plane, and an operator that is started again whenever it dies."""

    def __init__(self, fault: Fault, table: Table = TABLE, terms: Terms = Terms()) -> None:
        self.server = Server(step=terms.step)
        self.kube = ControlPlane(self.server)
        self.fault = fault
        self.monitor = Monitor(self.server, watches_ready=not isinstance(fault, Stale | Late))
        self.table = table
        self.processes: list[Process] = []
        self.user = User(self.server)
        self._terms = terms
        self._supervisor: asyncio.Task[None] | None = None
        if isinstance(fault, Stale):
            fault.now = lambda: self.server.revision
        if isinstance(fault, Forgetful):
            fault.forget = self.server.forget

    def start(self, **settings: object) -> None:
        given = Settings.model_validate({"leader_election": False, **settings})
        self._supervisor = asyncio.create_task(self._supervise(given))

    async def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
        for process in self.processes:
            process.kill()
        await asyncio.sleep(0)

    async def until(self, step: str, condition: Callable[[Server], bool], seconds: float = STEP_SECONDS) -> bool:
        """Wait for a step to take effect; too late is a fault."""
        try:
            async with asyncio.timeout(seconds):
                while not condition(self.server):
                    await self.server.news()
        except TimeoutError:
            self.monitor.faults.append(f"step {step!r} had no effect within {seconds:.0f} s")
            return False
        return True

    def writes(self) -> list[str]:
        """The operator's writes so far, but for Events and the Lease."""
        calls = [call for process in self.processes for call in process.wire.sent if call.write >= 0]
        return [f"{call.request.verb} {call.request.path}" for call in calls]

    async def rest(self) -> None:
        """Let everything come to rest, and see that it stays so."""
        await asyncio.sleep(REST_SECONDS)
        before = len(self.writes())
        await asyncio.sleep(QUIET_SECONDS)
        if extra := self.writes()[before:]:
            self.monitor.faults.append(f"{len(extra)} writes at rest: {extra[:3]}")

    def evidence(self) -> Evidence:
        for process in self.processes:
            self.monitor.faults += [f"the process died: {crash}" for crash in process.crashes]
            for name in ("berth_plan_failures_total", "berth_noncanonical_total"):
                if count := process.metrics.value(name):
                    self.monitor.faults.append(f"{name} is {count:.0f}")
        return Evidence(
            state=state_of(self.server),
            counts=counts_of(self.server, self.kube.rollouts),
            faults=self.monitor.faults,
            writes=self.writes(),
            kinds=frozenset(event.key.resource for event in self.server.log),
        )

    async def _supervise(self, settings: Settings) -> None:
        while True:
            seed = self._terms.seed * 1000 + len(self.processes)
            process = Process(self.server, self.fault, self.table, settings, seed)
            self.processes.append(process)
            process.start()
            await process.ended.wait()
            await asyncio.sleep(self.fault.down)


def run(workload: Workload, fault: Fault | None = None, terms: Terms = Terms(), table: Table = TABLE) -> Evidence:
    """Everything from an empty cluster to rest."""
    with silence(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_run(workload, fault or Fault(), terms, table))


async def _run(workload: Workload, fault: Fault, terms: Terms, table: Table) -> Evidence:
    random.seed(terms.seed)
    cluster = Cluster(fault, table, terms)
    cluster.kube.stuck = set(workload.stuck)
    platform(cluster.server)
    cluster.start(**dict(workload.settings))
    await asyncio.sleep(5)
    loop = asyncio.get_running_loop()
    step_writes: list[list[str]] = []
    for step in workload.steps:
        before = len(cluster.writes())
        step.do(cluster.user)
        if not await cluster.until(step.name, step.until):
            break
        await asyncio.sleep(3)
        step_writes.append(cluster.writes()[before:])
    seconds = loop.time()
    await cluster.rest()
    await cluster.stop()
    evidence = cluster.evidence()
    evidence.seconds, evidence.step_writes = seconds, step_writes
    evidence.deliveries = next(fault._deliveries)
    return evidence


@contextlib.contextmanager
def silence() -> Generator[None]:
    """The operator warns of every fault that it meets, which here is every line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
