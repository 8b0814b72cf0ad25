"""The files that a lab's components read: keys, tokens, kubeconfigs, policies."""

import base64
import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import yaml

from berth.lab.commands import INSIDE_PORT, NODE_ADDRESS, NODE_NAME, SECOND_NAME
from berth.lab.errors import LabError
from berth.lab.state import LabState

# Token holders beside the people: user name and groups.
MASTERS = "system:masters"
COMPONENTS = {
    "admin": ("admin", MASTERS),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "kwok": ("kwok", MASTERS),
    "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
    "kube-proxy": ("system:kube-proxy", ""),
    "kubelet-1": (f"system:node:{SECOND_NAME}", "system:nodes"),
    "kube-proxy-1": ("system:kube-proxy", ""),
    "coredns": ("coredns", MASTERS),
    "metrics-server": ("metrics-server", MASTERS),
    "karpenter": ("karpenter", MASTERS),
    "envoy-gateway": ("envoy-gateway", MASTERS),
}
INSIDE = ("controller-manager", "scheduler", "kubelet", "kube-proxy", "coredns", "metrics-server")
BESIDE = ("kubelet-1", "kube-proxy-1")
PEOPLE = "developers"
API_HOSTS = (
    "127.0.0.1",
    "localhost",
    "10.96.0.1",
    NODE_ADDRESS,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


def new_tokens(users: tuple[str, ...]) -> dict[str, str]:
    """Return a fresh token for each component and each person."""
    return {name: secrets.token_hex(16) for name in (*COMPONENTS, *users)}


def write(state: LabState) -> None:
    """Write all files of a new lab."""
    for name in ("logs", "kubeconfigs", "run"):
        (state.folder / name).mkdir()
    made = subprocess.run(
        [f"{state.binaries}/cluster", "pki", state.folder / "pki", *API_HOSTS],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise LabError(f"the lab's keys could not be made: {made.stderr}")
    _write_secret(state.folder / "tokens.csv", _token_lines(state))
    for name in COMPONENTS:
        write_kubeconfig(state, name, state.tokens[name], _server(state, name))
    for name in state.options.users:
        write_kubeconfig(state, name, state.tokens[name], state.server)
    (state.folder / "audit-policy.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY))
    (state.folder / "scheduler.yaml").write_text(yaml.safe_dump(_scheduler(state)))
    parts = ["kwok-stages", *(["kwok-metrics"] if state.options.metrics else [])]
    (state.folder / "kwok.yaml").write_text("\n---\n".join(_printed(state, part) for part in parts))


def _server(state: LabState, name: str) -> str:
    """Return where a component finds the API server."""
    if state.real and name in BESIDE:
        return f"https://{NODE_ADDRESS}:{INSIDE_PORT}"
    return f"https://127.0.0.1:{INSIDE_PORT}" if state.real and name in INSIDE else state.server


def _printed(state: LabState, part: str) -> str:
    """Return configuration that comes with KWOK, from the very build of it that will read it."""
    return subprocess.run([f"{state.binaries}/cluster", part], capture_output=True, text=True, check=True).stdout


def write_kubeconfig(state: LabState, name: str, token: str, server: str) -> Path:
    """Write a kubeconfig that carries all it needs, the authority included, and return its path."""
    context = f"berth-lab-{state.name}"
    authority = base64.b64encode((state.folder / "pki" / "ca.crt").read_bytes()).decode()
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": name}}],
        "current-context": context,
    }
    path = state.folder / "kubeconfigs" / name
    _write_secret(path, json.dumps(content, indent=1))
    return path


def _token_lines(state: LabState) -> str:
    lines = [
        f'{state.tokens[name]},{user},{name},"{groups}"' if groups else f"{state.tokens[name]},{user},{name}"
        for name, (user, groups) in COMPONENTS.items()
    ]
    lines += [f'{state.tokens[user]},{user},{user},"{PEOPLE}"' for user in state.options.users]
    return "\n".join(lines) + "\n"


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # A request's arrival says nothing that its end does not say again.
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


def _scheduler(state: LabState) -> dict[str, Any]:
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {
            "kubeconfig": str(state.folder / "kubeconfigs" / "scheduler"),
            "qps": 500,
            "burst": 1000,
        },
        "leaderElection": {"leaderElect": False},
    }
