"""The operator as a process beside the cluster, as a test starts, kills and restarts it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from support.waiting import eventually


class Operator:
    """One replica."""

    def __init__(self, kubeconfig: Path, log: Path, **settings: str) -> None:
        self.log = log
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("BERTH_")}
        # Tests about what is healthy say for how long; the others need not wait for it.
        defaults = {"leader_election": "false", "health_port": "0", "healthy_seconds": "0"}
        given = {f"BERTH_{key.upper()}": value for key, value in (defaults | settings).items()}
        self._environment |= {"KUBECONFIG": str(kubeconfig), "PYTHONUNBUFFERED": "1", **given}
        self._process: subprocess.Popen[bytes] | None = None
        self.code: int | None = None
        """With which the last process ended."""

    def start(self) -> Self:
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "berth", "run"], env=self._environment, stdout=out, stderr=subprocess.STDOUT
            )
        return self

    def wait_listed(self, times: int = 1) -> Self:
        """Until it has seen the whole cluster."""
        listed = lambda: self.log.read_text().count("listed ") >= times  # noqa: E731
        eventually(listed, 120, f"the operator listed; see {self.log}")
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self.code = self._process.wait(60)
            self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
