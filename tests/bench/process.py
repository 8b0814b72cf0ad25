"""The operator under test: the real process, looked at from outside."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from bench.scene import SYSTEM
from support.operator import Operator

_PAUSE = 0.2
_QUIET_LOOKS = 5


class Process:
    """`berth run` with its settings as they come, beside a lab."""

    def __init__(self, kubeconfig: Path, log: Path, port: int) -> None:
        self._operator = Operator(
            kubeconfig,
            log,
            leader_election="true",
            operator_namespace=SYSTEM,
            health_address="127.0.0.1",
            health_port=str(port),
        )
        self._url = f"http://127.0.0.1:{port}/metrics"

    def start(self) -> None:
        self._operator.start()

    def stop(self) -> None:
        self._operator.stop()

    @property
    def pid(self) -> int:
        process = self._operator._process
        assert process is not None, "the operator does not run"
        return process.pid

    def memory(self) -> tuple[float, float]:
        """The resident set now and at its highest, in MB of 1,000,000 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return _megabytes(status, "VmRSS"), _megabytes(status, "VmHWM")

    async def until(self, done: Callable[[], bool], within: float, what: str) -> None:
        """Until what is waited for is true, and the operator has nothing to do any more."""
        deadline = time.monotonic() + within
        quiet = 0
        async with aiohttp.ClientSession() as session:
            while quiet < _QUIET_LOOKS:
                assert self._operator.running, f"the operator ended; see {self._operator.log}"
                assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}; see {self._operator.log}"
                await asyncio.sleep(_PAUSE)
                idle = done() and await self._figure(session, "berth_queue_length") == 0
                quiet = quiet + 1 if idle else 0

    async def reconciled(self, session: aiohttp.ClientSession) -> float | None:
        return await self._figure(session, 'berth_reconciles_total{kind="Service",result="done"}')

    async def wait_reconciled(self, count: int, within: float) -> None:
        """Until it has been round all Services once since its start."""
        deadline = time.monotonic() + within
        async with aiohttp.ClientSession() as session:
            while (await self.reconciled(session) or 0) < count:
                assert time.monotonic() < deadline, f"not all looked at within {within:.0f} s; see {self._operator.log}"
                await asyncio.sleep(_PAUSE)

    async def _figure(self, session: aiohttp.ClientSession, name: str) -> float | None:
        """A figure of its own, to know when to look: none of them is a result."""
        try:
            async with session.get(self._url) as response:
                text = await response.text()
        except aiohttp.ClientError:
            return None
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else None


def _megabytes(status: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6
