"""The one process that a lab's components belong to: they end with it, and it ends with its owner or when told.

It knows nothing of Kubernetes: it starts, stops, pauses and resumes programs as one-line JSON requests ask on a socket
in the lab's folder. A lab with real containers has it as the first process of a process namespace, so that no
container outlives it.
"""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from berth.lab import commands
from berth.lab.control import socket_path
from berth.lab.node import prepare
from berth.lab.state import LabState, load

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 10.0


@dataclass
class _Program:
    process: subprocess.Popen[bytes]
    ended: asyncio.Event
    code: int | None = None
    paused: bool = False

    @property
    def status(self) -> str:
        if self.code is not None:
            return f"ended with {self.code}"
        return "paused" if self.paused else "running"


def _die_with_parent() -> None:
    """Ask the kernel to end this process when the supervisor ends, however it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    """Keeps a lab's programs; `owner` is the pidfd of the process that the lab must not outlive."""

    def __init__(self, state: LabState, owner: int) -> None:
        self._state = state
        self._programs: dict[str, _Program] = {}
        self._end = asyncio.Event()
        self._owner: int | None = owner

    async def run(self, listener: socket.socket | None) -> None:
        """Serve until told to end, or until the owner has ended."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._end.set)
        if self._owner is not None:
            loop.add_reader(self._owner, self._end.set)
        with socket_path(self._state.folder) as path:
            server = await asyncio.start_unix_server(self._serve, path)
        forward = await asyncio.start_server(_forward, sock=listener) if listener else None
        print("ready", flush=True)  # noqa: T201 (the process that started this one waits for the word)
        await self._end.wait()
        server.close()
        if forward:
            forward.close()
        if self._owner is not None:
            loop.remove_reader(self._owner)
        await self._end_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            request = json.loads(await reader.readline())
            try:
                answer: dict[str, Any] = {"result": await self._do(request["do"], request.get("component", ""))}
            except (KeyError, OSError, RuntimeError, TimeoutError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()
            if request["do"] == "down":
                self._end.set()

    async def _do(self, action: str, component: str) -> dict[str, str]:
        if action == "start":
            self._start(component)
        elif action == "stop":
            await self._stop(component, signal.SIGTERM)
        elif action == "kill":
            await self._stop(component, signal.SIGKILL)
        elif action in {"pause", "resume"}:
            self._pause(component, paused=action == "pause")
        elif action == "untie":
            self._untie()
        return {name: program.status for name, program in self._programs.items()}

    def _untie(self) -> None:
        """Go on without the owner from here on."""
        if self._owner is not None:
            asyncio.get_running_loop().remove_reader(self._owner)
            self._owner = None

    def _start(self, component: str) -> None:
        running = self._programs.get(component)
        if running and running.code is None:
            raise RuntimeError(f"{component} runs already")
        with (self._state.folder / "logs" / f"{component}.log").open("ab") as log:
            process = subprocess.Popen(
                commands.command(self._state, component),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._state.folder / "run",
                # Safe: this process has one thread. Nothing else can tie a child to its parent's life.
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )
        self._programs[component] = _Program(process, asyncio.Event())

    async def _stop(self, component: str, number: signal.Signals) -> None:
        program = self._programs[component]
        if program.code is not None:
            return
        os.kill(program.process.pid, number)
        if program.paused:
            os.kill(program.process.pid, signal.SIGCONT)
        try:
            await asyncio.wait_for(program.ended.wait(), _STOP_SECONDS)
        except TimeoutError:
            os.kill(program.process.pid, signal.SIGKILL)
            await program.ended.wait()

    def _pause(self, component: str, *, paused: bool) -> None:
        program = self._programs[component]
        if program.code is not None:
            raise RuntimeError(f"{component} does not run")
        os.kill(program.process.pid, signal.SIGSTOP if paused else signal.SIGCONT)
        program.paused = paused

    def _reap(self) -> None:
        """Take note of ended programs, and of containers' orphans when this is a namespace's first process."""
        by_pid = {program.process.pid: program for program in self._programs.values() if program.code is None}
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if program := by_pid.get(pid):
                    program.code = program.process.returncode = os.waitstatus_to_exitcode(status)
                    program.ended.set()

    async def _end_all(self) -> None:
        """End everything at once: a lab's data is worth nothing after it."""
        living = [program for program in self._programs.values() if program.code is None]
        for program in living:
            os.kill(program.process.pid, signal.SIGKILL)
        for program in living:
            await program.ended.wait()
        if self._owner is not None:  # else a person may want to read the logs
            shutil.rmtree(self._state.folder, ignore_errors=True)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one connection from the machine's loopback to the API server in the lab's own network."""
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", commands.INSIDE_PORT)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


def main(name: str, owner: str, listener: str) -> None:
    """Run the supervisor of a lab; the last two are inherited file descriptors, the listener's may be missing."""
    state = load(name)
    if state is None:
        sys.exit(f"no lab {name}")
    if state.real:
        prepare(state)
    sock = socket.socket(fileno=int(listener)) if listener else None
    asyncio.run(Supervisor(state, int(owner)).run(sock))


if __name__ == "__main__":
    main(*sys.argv[1:])
