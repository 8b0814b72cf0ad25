"""Prometheus and Alertmanager, out of Debian's packages, with one rule over one metric that a test sets as it likes."""

import json
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.lab.paths import cache_root
from support.waiting import eventually

ALERT = "HighErrorRate"
_LISTENS = re.compile(r'msg="Listening on" address=(\S+)')
_RULE = {"alert": ALERT, "expr": "errors > 0", "for": "1s", "labels": {"severity": "page"}}


def program(package: str) -> Path:
    """The program out of Debian's package, unpacked and not installed: nothing starts by itself."""
    home = cache_root() / "debian" / package
    found = home / "usr" / "bin" / package
    if not found.exists():
        home.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(["apt-get", "-qq", "download", package], cwd=home, check=False, capture_output=True)
        if got.returncode:
            pytest.skip(f"needs apt-get and Debian's {package}: {got.stderr.decode().strip()}")
        for archive in home.glob(f"{package}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(home)], check=True)
    return found


class Metrics:
    """What Prometheus scrapes: the errors of each namespace."""

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}
        metrics = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lines = [f'errors{{namespace="{name}"}} {count}\n' for name, count in metrics.errors.items()]
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write("".join(lines).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # the library's names
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="metrics").start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Monitoring:
    """Both programs, and the metric."""

    def __init__(self, metrics: Metrics, prometheus: str, alertmanager: str) -> None:
        self.metrics, self.prometheus, self.alertmanager = metrics, prometheus, alertmanager

    def fire(self, namespace: str) -> None:
        """Let the alert fire for a namespace, and wait until both know."""
        self.metrics.errors[namespace] = 1
        eventually(lambda: all(self._firing(namespace)), 120, what=f"{ALERT} fires for {namespace}")

    def calm(self, namespace: str) -> None:
        self.metrics.errors[namespace] = 0
        eventually(lambda: not any(self._firing(namespace)), 120, what=f"{ALERT} is over for {namespace}")

    def _firing(self, namespace: str) -> tuple[bool, bool]:
        """Whether it fires, as each of the two has it."""
        rules = _got(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"]
        return (
            any(one["labels"]["namespace"] == namespace and one["state"] == "firing" for one in rules),
            any(one["labels"]["namespace"] == namespace for one in _got(f"{self.alertmanager}/api/v2/alerts")),
        )


def _got(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # our own process
        return json.loads(answer.read())


@contextmanager
def monitoring(home: Path) -> Generator[Monitoring]:
    metrics = Metrics()
    running: list[subprocess.Popen[bytes]] = []
    try:
        (home / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
        flags = (f"--config.file={home / 'alertmanager.yml'}", f"--storage.path={home / 'alerts'}")
        log = home / "alertmanager.log"
        alertmanager = _started(running, log, "prometheus-alertmanager", *flags, "--cluster.listen-address=")
        (home / "prometheus.yml").write_text(yaml.safe_dump(_config(home, metrics.address, alertmanager)))
        (home / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "shop", "rules": [_RULE]}]}))
        flags = (f"--config.file={home / 'prometheus.yml'}", f"--storage.tsdb.path={home / 'metrics'}")
        prometheus = _started(running, home / "prometheus.log", "prometheus", *flags)
        yield Monitoring(metrics, prometheus, alertmanager)
    finally:
        for process in running:
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        metrics.close()


def _config(home: Path, metrics: str, alertmanager: str) -> dict[str, object]:
    target = alertmanager.removeprefix("http://")
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(home / "rules.yml")],
        "scrape_configs": [{"job_name": "shop", "honor_labels": True, "static_configs": [{"targets": [metrics]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [target]}]}]},
    }


def _started(running: list[subprocess.Popen[bytes]], log: Path, package: str, *flags: str) -> str:
    """The URL of a program that listens on a port of its own choice."""
    found = program(package)
    # Its files are looked for where the package would have put them: it alone sees them there.
    see = f'mount --bind {found.parents[1] / "share"} /usr/share && exec "$0" "$@"'
    command = ["unshare", "--mount", "sh", "-c", see, str(found), *flags, "--web.listen-address=127.0.0.1:0"]
    with log.open("wb") as out:
        running.append(subprocess.Popen(command, stderr=out, stdout=out))
    at = eventually(lambda: _LISTENS.search(log.read_text()), 120, what=f"it listens; see {log}")
    # It listens before it has read its rules.
    eventually(lambda: _ready(f"http://{at[1]}"), 120, what=f"it is ready; see {log}")
    return f"http://{at[1]}"


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=30) as answer:  # noqa: S310  # our own process
            return bool(answer.status)
    except OSError:
        return False
