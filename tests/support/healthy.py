"""How many tasks of a Service were healthy at every moment: each change of a pod, from a watch.

A watch tells a moment later what there is. Who asks gets an answer once it has told all that there was when they asked.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from berth import names
from berth.lab import tool
from support.cluster import Cluster
from support.waiting import eventually


class Healthy:
    """Watches from the moment that it is entered, for as long as it lasts."""

    def __init__(self, cluster: Cluster, namespace: str, service: str = "web") -> None:
        self._command = [
            str(tool("kubectl")), f"--kubeconfig={cluster.kubeconfig}", "get", "pods", f"-n={namespace}",
            f"-l={names.SERVICE}={service}", "-o=json", "--watch", "--output-watch-events",
        ]  # fmt: skip
        self._listed = lambda: cluster.all("pods", namespace, f"{names.SERVICE}={service}")
        self._lock = threading.Lock()
        self._versions: dict[str, int] = {}
        """Of those that are not deleted, as far as the watch has told."""
        self._counting = False
        self._ready: dict[str, bool] = {}
        self._there: set[str] = set()
        self._counts: list[int] = []
        self._totals: list[int] = []
        self._costs: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def least(self) -> int:
        """The fewest that were healthy at a time, once all were seen."""
        self.catch_up()
        return min(self._counts)

    @property
    def most(self) -> int:
        """The most that were healthy at a time."""
        self.catch_up()
        return max(self._counts)

    @property
    def most_there(self) -> int:
        """The most that were there at a time, healthy or not, but for those that were being stopped."""
        self.catch_up()
        return max(self._totals)

    @property
    def marked(self) -> int:
        """How many pods were seen with a deletion cost."""
        self.catch_up()
        return len(set(self._costs))

    @property
    def seen(self) -> set[str]:
        """All tasks that there ever were."""
        self.catch_up()
        return set(self._ready)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        try:
            self.catch_up()
        except AssertionError:
            self._end()
            raise
        with self._lock:
            self._counting = True
            self._count()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.catch_up()
        finally:
            self._end()

    def catch_up(self) -> None:
        """Until the watch has told all that is known now; what it told stays when it has ended."""
        if self._process is not None:
            eventually(self._caught_up, what="the watch shows all tasks as they are")

    def _caught_up(self) -> bool:
        listed = {one["metadata"]["name"]: _version(one) for one in self._listed()}
        with self._lock:
            told = all(self._versions.get(name, 0) >= version for name, version in listed.items())
            return told and self._versions.keys() <= listed.keys()

    def _end(self) -> None:
        assert self._process is not None
        assert self._reader is not None
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def _read(self, process: subprocess.Popen[str]) -> None:
        for event in _objects(process):
            with self._lock:
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        metadata, status = event["object"]["metadata"], event["object"].get("status", {})
        name, gone = metadata["name"], event["type"] == "DELETED"
        going = gone or "deletionTimestamp" in metadata
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))
        self._ready[name] = ready and not going
        self._there = self._there - {name} if going else self._there | {name}
        if names.DELETION_COST in metadata.get("annotations", {}):
            self._costs.append(name)
        self._versions[name] = _version(event["object"])
        if gone:
            del self._versions[name]
        if self._counting:
            self._count()

    def _count(self) -> None:
        self._counts.append(sum(self._ready.values()))
        self._totals.append(len(self._there))


def _version(pod: dict[str, Any]) -> int:
    return int(pod["metadata"]["resourceVersion"])


def _objects(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """JSON objects one after another, each on a line or over many."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n" or (line[0] == "{" and line.endswith("}\n")):
            yield json.loads("".join(lines))
            lines.clear()
