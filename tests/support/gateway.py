"""A small Gateway: Debian's nginx, driven by HTTPRoutes and EndpointSlices, which tells each route that it took it.

It hears of endpoints a moment late, as every balancer does, and passes each request on once: what fails is seen.
"""

import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from berth.lab import Lab
from berth.lab.api import Api
from berth.lab.paths import cache_root
from berth.lab.peers import enter
from support.follower import Follower
from support.gateway_api import GROUP
from support.nginx_config import Routing, config
from support.waiting import eventually

Json = dict[str, Any]
NAME = "public"
PORT = 18080


def nginx() -> Path:
    """The program out of Debian's package, unpacked and not installed: nothing starts by itself."""
    home = cache_root() / "debian" / "nginx"
    program = home / "usr" / "sbin" / "nginx"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-qq", "download", "nginx"], cwd=home, check=True, capture_output=True)
        for package in home.glob("nginx_*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(home)], check=True)
    return program


def inside(lab: Lab) -> list[str]:
    """The start of a command in the network of a lab with a real node, but among the processes of this machine."""
    return [*enter(lab.state)[:3], "--net"]


class Gateway:
    """The Gateway `public` of one namespace, inside the network of a lab with a real node."""

    def __init__(self, lab: Lab, namespace: str, home: Path) -> None:
        self._lab, self._namespace, self._home = lab, namespace, home
        self._follower = Follower(lab, "gateway", self._look)
        self._running: subprocess.Popen[bytes] | None = None
        self._told = ""

    def __enter__(self) -> Self:
        self._write(())
        command = [str(nginx()), "-c", str(self._home / "nginx.conf"), "-p", str(self._home)]
        self._running = subprocess.Popen([*inside(self._lab), *command])
        eventually((self._home / "nginx.pid").exists, what="the gateway runs")
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._follower.stop()
        if self._running is not None:
            self._signal(signal.SIGQUIT)
            self._running.wait(30)
        self._follower.told()

    def _look(self, api: Api) -> None:
        routes = [
            one
            for one in self._list(api, f"apis/{GROUP}/v1", "httproutes")
            if any(parent["name"] == NAME for parent in one["spec"]["parentRefs"])
        ]
        ports = {
            (one["metadata"]["name"], port["port"]): port.get("name", "")
            for one in self._list(api, "api/v1", "services")
            for port in one["spec"].get("ports", [])
        }
        slices = self._list(api, "apis/discovery.k8s.io/v1", "endpointslices")
        self._write(Routing(routes, slices, ports).parts(PORT))
        for route in routes:
            self._take(api, route)

    def _list(self, api: Api, group: str, plural: str) -> list[Json]:
        found: list[Json] = api.get(f"/{group}/namespaces/{self._namespace}/{plural}")["items"]
        return found

    def _write(self, parts: Iterable[str]) -> None:
        """The configuration, and word to nginx if it is another; requests under way end with the old one."""
        text = config(self._home, PORT, parts)
        if text == self._told:
            return
        (self._home / "nginx.conf").write_text(text)
        self._told = text
        self._signal(signal.SIGHUP)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._home / "nginx.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), number)

    def _take(self, api: Api, route: Json) -> None:
        generation = route["metadata"]["generation"]
        parents: list[Json] = route.get("status", {}).get("parents") or []
        if parents and parents[0]["conditions"][0]["observedGeneration"] == generation:
            return
        said = [
            {
                "type": kind,
                "status": "True",
                "reason": kind,
                "message": "",
                "observedGeneration": generation,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
            for kind in ("Accepted", "ResolvedRefs")
        ]
        parent = {"controllerName": "example.com/nginx", "parentRef": {"name": NAME}, "conditions": said}
        path = f"/apis/{GROUP}/v1/namespaces/{self._namespace}/httproutes/{route['metadata']['name']}/status"
        status, answer = api.request("PUT", path, {**route, "status": {"parents": [parent]}})
        assert status in {200, 404, 409}, answer
