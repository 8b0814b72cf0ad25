"""Starts and ends a lab's supervisor, and clears away what a killed one left."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from berth.lab import control, ports
from berth.lab.api import Deadline
from berth.lab.cgroups import remove_abandoned, remove_cgroups
from berth.lab.errors import LabError
from berth.lab.files import new_tokens, write
from berth.lab.state import LabOptions, LabState, folder, load, load_all, locked, take_lock

# Namespaces of the lab's own: all its containers, mounts, addresses and rules end with the supervisor.
OWN_NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
_END_SECONDS = 15.0
# How long the logs of a lab that was killed are kept.
_FORGET_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Wanted:
    """What a new lab shall be."""

    name: str
    nodes: str
    options: LabOptions
    binaries: Path
    karpenter: Path | None = None
    envoy_gateway: Path | None = None


def launch(wanted: Wanted) -> tuple[LabState, subprocess.Popen[str]]:
    """Start a supervisor for a new lab; it ends with this process until it is told otherwise."""
    with ExitStack() as stack:
        lock = take_lock(wanted.name)
        stack.callback(os.close, lock)
        clear(wanted.name)
        _forget_old()
        folder(wanted.name).mkdir(parents=True, mode=0o700)
        sockets = [stack.enter_context(ports.reserve()) for _ in range(3)]
        state = _state(wanted, sockets)
        write(state)
        owner = os.pidfd_open(os.getpid())
        stack.callback(os.close, owner)
        process = _spawn(state, owner, sockets, lock)
        state = replace(state, pid=process.pid, started=start_time(process.pid))
        state.save()
    return state, process


def _state(wanted: Wanted, sockets: Sequence[socket.socket]) -> LabState:
    port, etcd, peer = map(ports.number, sockets)
    if wanted.nodes.startswith("real"):
        etcd, peer = 2379, 2380  # of a network of its own
    state = LabState(
        name=wanted.name,
        nodes=wanted.nodes,
        binaries=str(wanted.binaries),
        port=port,
        etcd_port=etcd,
        peer_port=peer,
        karpenter=str(wanted.karpenter or ""),
        envoy_gateway=str(wanted.envoy_gateway or ""),
        tokens=new_tokens(wanted.options.users),
        options=wanted.options,
    )
    state.save()
    return state


def _spawn(state: LabState, owner: int, sockets: Sequence[socket.socket], lock: int) -> subprocess.Popen[str]:
    listener = ""
    if state.real:
        sockets[0].listen(256)  # made here, in the machine's network, and served from inside the lab's
        listener = str(sockets[0].fileno())
    command = [sys.executable, "-m", "berth.lab.supervisor", state.name, str(owner), listener]
    kept = (owner, lock, *(held.fileno() for held in sockets))
    with (state.folder / "logs" / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [*(OWN_NAMESPACES if state.real else ()), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            pass_fds=kept,
            start_new_session=True,
        )
    said = process.stdout.readline() if process.stdout else ""
    if said.strip() != "ready":
        process.kill()
        process.communicate()
        raise LabError(f"the lab's supervisor failed:\n{(state.folder / 'logs' / 'supervisor.log').read_text()}")
    return process


def end(state: LabState) -> None:
    """End a lab's processes and remove all it left."""
    if state.alive:
        with suppress(LabError):
            control.ask(state.folder, "down")
        deadline = Deadline(_END_SECONDS)
        while locked(state.name) and not deadline.passed():
            pass
        if locked(state.name):
            kill(state)
    clear(state.name)


def remove(name: str) -> None:
    """End a lab that another process may have started, and remove what it left."""
    state = load(name)
    if state:
        end(state)
    elif not locked(name):
        clear(name)


def kill(state: LabState) -> None:
    """End the supervisor at once; the kernel ends the rest. A number that another process has by now is left alone."""
    if state.pid and start_time(state.pid) == state.started:
        with suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGKILL)
    deadline = Deadline(_END_SECONDS)
    while locked(state.name):
        if deadline.passed():
            raise LabError(f"the lab {state.name} does not end; its supervisor is process {state.pid}")


def clear(name: str) -> None:
    """Remove the files and control groups of a lab that runs no more."""
    remove_cgroups(name)
    shutil.rmtree(folder(name), ignore_errors=True)


def _forget_old() -> None:
    """Remove what labs left that were killed and never started again."""
    remove_abandoned()
    for state in load_all():
        age = _age(state.folder)
        if age > _FORGET_SECONDS and not state.alive:
            clear(state.name)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def start_time(pid: int) -> int:
    """Return when a process began, in the kernel's ticks, or 0 when there is none: with its number, a name for life."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def known(name: str) -> LabState:
    """Return the state of a lab that runs, or say which do."""
    state = load(name)
    if state is None or not state.alive:
        running = ", ".join(other.name for other in load_all() if other.alive) or "none"
        raise LabError(f"no lab named {name} runs (running: {running}); start it with: berth lab up --name {name}")
    return state
