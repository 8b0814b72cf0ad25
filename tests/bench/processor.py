"""Processor time by program: what a run cost the machine, whatever else the machine was doing."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SERVERS = ("kube-apiserver", "etcd")


class Processors:
    """The programs whose time counts: a lab's API server and etcd, and one more."""

    def __init__(self, lab: str) -> None:
        self._servers = {name: _pid_of(name, f"/labs/{lab}/") for name in _SERVERS}

    def seconds(self, pid: int | None = None) -> dict[str, float]:
        """The seconds that each has used so far; `client` is the process given."""
        found = {name: seconds_of(server) for name, server in self._servers.items()}
        return found if pid is None else found | {"client": seconds_of(pid)}


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What was used between two looks; a process that was not there before had used nothing."""
    return {name: round(seconds - before.get(name, 0.0), 2) for name, seconds in after.items()}


def seconds_of(pid: int) -> float:
    """Processor seconds of a process, in user mode and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _pid_of(program: str, argument: str) -> int:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            words = _command_line(folder)
            if words and words[0].endswith(f"/{program}") and any(argument in word for word in words):
                return int(folder.name)
    raise LookupError(f"no {program} with {argument} runs")


def _command_line(folder: Path) -> list[str]:
    try:
        return (folder / "cmdline").read_bytes().decode().split("\0")
    except OSError:  # it has just ended
        return []
