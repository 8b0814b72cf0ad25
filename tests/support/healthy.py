"""How many tasks of a Service were healthy at every moment: each change of a pod, from a watch."""

import json
import subprocess
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from berth import names
from berth.lab import tool
from support.cluster import Cluster
from support.tasks import pods
from support.waiting import eventually


class Healthy:
    """Watches from the moment that it is entered, for as long as it lasts."""

    def __init__(self, cluster: Cluster, namespace: str, service: str = "web") -> None:
        self._command = [
            str(tool("kubectl")), f"--kubeconfig={cluster.kubeconfig}", "get", "pods", f"-n={namespace}",
            f"-l={names.SERVICE}={service}", "-o=json", "--watch", "--output-watch-events",
        ]  # fmt: skip
        self._ready: dict[str, bool] = {}
        self._there: set[str] = set()
        self._counts: list[int] = []
        self._totals: list[int] = []
        self._costs: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._versions: dict[str, str] = {}
        self._tasks = lambda: pods(cluster, namespace, service)
        # By name: one that is going may be gone before the watch begins.
        self._expected = {one["metadata"]["name"] for one in self._tasks()}

    @property
    def least(self) -> int:
        """The fewest that were healthy at a time, once all were seen."""
        return min(self._counts)

    @property
    def most(self) -> int:
        """The most that were healthy at a time."""
        return max(self._counts)

    @property
    def most_there(self) -> int:
        """The most that were there at a time, healthy or not, but for those that were being stopped."""
        return max(self._totals)

    @property
    def marked(self) -> int:
        """How many pods were seen with a deletion cost."""
        return len(set(self._costs))

    @property
    def seen(self) -> set[str]:
        """All tasks that there ever were."""
        return set(self._ready)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        try:
            eventually(lambda: self._counts, what="the watch shows all tasks")
        except AssertionError:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.catch_up()
        finally:
            self._end()

    def catch_up(self) -> None:
        """Until all has been seen that has happened so far: a watch tells it a moment later."""
        eventually(self._has_seen_all, what="the watch has shown what happened")

    def _has_seen_all(self) -> bool:
        there = {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in self._tasks()}
        return there.keys() == self._there and all(self._versions[name] == seen for name, seen in there.items())

    def _end(self) -> None:
        assert self._process is not None
        assert self._reader is not None
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self, process: subprocess.Popen[str]) -> None:
        for event in _objects(process):
            metadata, status = event["object"]["metadata"], event["object"].get("status", {})
            going = event["type"] == "DELETED" or "deletionTimestamp" in metadata
            ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))
            self._ready[metadata["name"]] = ready and not going
            self._versions[metadata["name"]] = metadata["resourceVersion"]
            self._there = self._there - {metadata["name"]} if going else self._there | {metadata["name"]}
            if names.DELETION_COST in metadata.get("annotations", {}):
                self._costs.append(metadata["name"])
            if self._expected <= self._ready.keys():
                self._counts.append(sum(self._ready.values()))
                self._totals.append(len(self._there))


def _objects(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """JSON objects one after another, each on a line or over many."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n" or (line[0] == "{" and line.endswith("}\n")):
            yield json.loads("".join(lines))
            lines.clear()
