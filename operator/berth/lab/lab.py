"""A real Kubernetes cluster on this machine, as an object: start it, use it, break parts of it, end it."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from berth.lab import control, launch, pools
from berth.lab.api import Api
from berth.lab.bootstrap import bootstrap, node_ready, node_rows, start, wait
from berth.lab.build import build
from berth.lab.errors import LabError
from berth.lab.files import write_kubeconfig
from berth.lab.machine import real_nodes_unavailable
from berth.lab.modules import ENVOY_GATEWAY, KARPENTER
from berth.lab.peers import enter, load_images
from berth.lab.state import LabOptions, LabState, load_all

_NODES = re.compile(r"none|real(?::2)?|kwok:(\d+)")


class Lab:
    """One lab, running or not yet."""

    def __init__(
        self,
        name: str = "lab",
        *,
        nodes: str = "kwok:20",
        tie_to_parent: bool = False,
        options: LabOptions | None = None,
    ) -> None:
        if not _NODES.fullmatch(nodes):
            raise LabError(f"nodes are none, real, real:2 or kwok:N (such as kwok:20), not {nodes!r}")
        self.name = name
        self._nodes = nodes
        self._tied = tie_to_parent
        self._options = options or LabOptions()
        self._state: LabState | None = None
        self._process: subprocess.Popen[str] | None = None
        self._api: Api | None = None

    @classmethod
    def existing(cls, name: str = "lab") -> Self:
        """Return a lab that runs already."""
        state = launch.known(name)
        lab = cls(name, nodes=state.nodes, options=state.options)
        lab._state = state
        return lab

    @staticmethod
    def all() -> list[LabState]:
        """Return all labs that left files, running or not."""
        return load_all()

    @staticmethod
    def remove(name: str) -> None:
        """End a lab, if it runs, and remove what it left, if it left anything."""
        launch.remove(name)

    def up(self) -> Self:
        """Start the lab and return once it is ready for use."""
        if self._nodes.startswith("real") and (reason := real_nodes_unavailable()):
            raise LabError(f"no real node here: {reason}")
        if self._nodes.startswith("real") and self._options.karpenter:
            raise LabError("Karpenter makes simulated nodes: it cannot run beside a real one")
        if self._nodes.startswith("real") and self._options.envoy_gateway:
            raise LabError("Envoy Gateway runs beside simulated nodes, not in the network of real ones")
        karpenter = build(KARPENTER) if self._options.karpenter else None
        gateway = build(ENVOY_GATEWAY) if self._options.envoy_gateway else None
        wanted = launch.Wanted(self.name, self._nodes, self._options, build(), karpenter, gateway)
        self._state, self._process = launch.launch(wanted)
        try:
            bootstrap(self.state, self.api, self.nodes)
        except BaseException:
            self.down()
            raise
        if not self._tied:
            control.ask(self.state.folder, "untie")
        self._state = replace(self._state, ready=True)
        self._state.save()
        return self

    def down(self) -> None:
        """End the lab and remove all it left."""
        if self._api:
            self._api.close()
        if self._state:
            launch.end(self._state)
        if self._process:
            self._process.communicate()
        self._state = self._process = self._api = None

    def __enter__(self) -> Self:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def state(self) -> LabState:
        """What is known about the running lab."""
        if self._state is None:
            raise LabError(f"the lab {self.name} is not up")
        return self._state

    @property
    def api(self) -> Api:
        """Plain requests to its API server, as the administrator."""
        self._api = self._api or Api(self.state)
        return self._api

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state.folder / "kubeconfigs" / "admin"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self.state.server

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that the API server's certificate is from."""
        return self.state.folder / "pki" / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log: one JSON object a line."""
        return self.state.folder / "logs" / "audit.log"

    @property
    def nodes(self) -> tuple[pools.PlannedNode, ...]:
        """The KWOK nodes that the lab was started with."""
        match = _NODES.fullmatch(self._nodes)
        return pools.plan(int(match[1])) if match and match[1] else ()

    def node_rows(self) -> list[tuple[str, ...]]:
        """Return name, pool, zone, readiness, taints and number of pods of each node, as a person reads them."""
        return node_rows(self.api)

    def log(self, component: str) -> Path:
        """Return the log file of a component."""
        return self.state.folder / "logs" / f"{component}.log"

    def token(self, user: str = "admin") -> str:
        """Return a user's bearer token."""
        return self.state.tokens[user]

    def kubeconfig_for(self, user: str) -> Path:
        """Return the kubeconfig of admin, alice or bob."""
        path = self.state.folder / "kubeconfigs" / user
        if not path.exists():
            raise LabError(f"the lab has no user {user}; it has admin, {', '.join(self.state.options.users)}")
        return path

    def kubeconfig_for_service_account(self, namespace: str, name: str) -> Path:
        """Return a kubeconfig with a fresh token of a ServiceAccount, as a pod of it would have."""
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 86400},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        token = self.api.create(path, request)["status"]["token"]
        return write_kubeconfig(self.state, f"sa.{namespace}.{name}", token, self.server)

    def env(self) -> dict[str, str]:
        """Return an environment in which kubectl, helm and others talk to this lab."""
        path = f"{self.state.binaries}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the lab's kubectl; with check, a failure raises what it printed."""
        return self._run(["kubectl", *arguments], stdin, check=check)

    def helm(self, *arguments: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the lab's helm; with check, a failure raises what it printed."""
        return self._run(["helm", *arguments], stdin, check=check)

    def inside(self, command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program in the network of a lab with a real node."""
        if not self.state.real:
            raise LabError(f"the lab {self.name} has no network of its own")
        return self._run([*enter(self.state), *command], None, check=check)

    def load_image(self, archive: Path) -> None:
        """Import an image archive (of `docker save`, or made by hand) into the real nodes."""
        load_images(self.state, archive)

    def components(self) -> dict[str, str]:
        """Return what runs: running, paused, or ended with its exit code."""
        return control.ask(self.state.folder, "status")

    def start(self, component: str) -> None:
        """Start a component (again) and return once it works."""
        start(self.state, self.api, component)

    def stop(self, component: str) -> None:
        """End a component as an orderly shutdown does."""
        control.ask(self.state.folder, "stop", component)

    def kill(self, component: str) -> None:
        """End a component at once."""
        control.ask(self.state.folder, "kill", component)

    def pause(self, component: str) -> None:
        """Let a component hang: connections stay open, nothing answers."""
        control.ask(self.state.folder, "pause", component)

    def resume(self, component: str) -> None:
        """Let a paused component go on."""
        control.ask(self.state.folder, "resume", component)

    def add_node(self, name: str, pool: str = "general", *, zone: str = "a", ready: bool = True) -> None:
        """Add a KWOK node of a pool and wait until it is ready; one with ready=False never is."""
        node = pools.manifest(pools.PlannedNode(name, pool, zone), ready=ready)
        self.api.create("/api/v1/nodes", node)
        if ready:
            wait(self.state, f"node {name} to be ready", lambda: node_ready(self.api, name))

    def delete_node(self, name: str) -> None:
        """Delete a node, as when its machine is gone."""
        self.api.delete(f"/api/v1/nodes/{name}")

    def _run(self, command: Sequence[str], stdin: str | None, *, check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, env=self.env(), input=stdin or "", capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise LabError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done
