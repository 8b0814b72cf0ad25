"""Brings the components of a new lab up in their order, and gives the cluster its nodes."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from berth.lab import commands, control, envoy_gateway, karpenter, pools
from berth.lab.api import Api, Deadline
from berth.lab.commands import SECOND, holder
from berth.lab.errors import LabError
from berth.lab.peers import add_services, add_simulated_metrics, load_images, own_images
from berth.lab.state import LabState

_SECONDS = 120.0
_NOT_READY = "node.kubernetes.io/not-ready"
_LOG_LINES = 15


def bootstrap(state: LabState, api: Api, nodes: Iterable[pools.PlannedNode]) -> None:
    """Start everything and return when pods can be scheduled."""
    first = _start_first(state)
    if state.real:
        load_images(state, own_images(state))
    _wait_for_api(state, api)
    _add_kinds(state, api)
    for component in commands.components(state):
        if component not in first:
            control.ask(state.folder, "start", component)
    real = {commands.NODE_NAME, *((commands.SECOND_NAME,) if state.second else ())}
    expected = real if state.real else {node.name for node in nodes}
    for node in pools.manifests(nodes):
        api.create("/api/v1/nodes", node)
    if state.real:
        add_services(api)
    elif state.options.metrics:
        add_simulated_metrics(api, state.own_address)
    wait(state, f"{len(expected)} nodes to be ready", lambda: expected <= _open_nodes(api))
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    wait(state, "the default ServiceAccount", lambda: api.answers(account))
    if state.real or state.options.metrics:
        wait(state, "the metrics API", lambda: api.answers("/apis/metrics.k8s.io/v1beta1"))


def _start_first(state: LabState) -> tuple[str, ...]:
    """Start what the others need, and return what it was."""
    first = ("etcd", "kube-apiserver", *(("containerd",) if state.real else ()), *(SECOND[:2] if state.second else ()))
    for component in first:
        control.ask(state.folder, "start", component)
        if component == SECOND[0]:
            wait(state, "the second node's namespaces", holder(state).exists)
    return first


def _add_kinds(state: LabState, api: Api) -> None:
    """Make known what further programs look for as they start."""
    if state.options.karpenter:
        karpenter.add_kinds(state, api)
        wait(state, "Karpenter's kinds", lambda: karpenter.served(api))
        karpenter.add_node_class(api)
    if state.options.envoy_gateway:
        envoy_gateway.add_kinds(api)
        wait(state, "Gateway API's kinds", lambda: envoy_gateway.served(api))
        envoy_gateway.add_class(api)


def start(state: LabState, api: Api, component: str) -> None:
    """Start one component and return once it works."""
    control.ask(state.folder, "start", component)
    if component in {"etcd", "kube-apiserver"} and _runs(state, "kube-apiserver") and _runs(state, "etcd"):
        api.close()
        _wait_for_api(state, api)


def wait(state: LabState, what: str, condition: Callable[[], bool]) -> None:
    """Return when a condition holds; raise with the logs of what ended when it takes too long."""
    deadline = Deadline(_SECONDS)
    while not condition():
        broken = [name for name, status in control.ask(state.folder, "status").items() if status.startswith("ended")]
        if broken or deadline.passed():
            logs = "\n".join(f"{name}:\n{_tail(state, name)}" for name in broken)
            reason = f"{', '.join(broken)} ended" if broken else f"waited {_SECONDS:.0f} s"
            raise LabError(f"the lab {state.name} waits for {what}, but {reason}\n{logs}".rstrip())


def node_ready(api: Api, name: str) -> bool:
    """Say whether a node reports itself ready, and takes pods."""
    return name in _open_nodes(api)


def node_rows(api: Api) -> list[tuple[str, ...]]:
    """Return name, pool, zone, readiness, taints and number of pods of each node."""
    ready = _ready_nodes(api)
    pods = Counter(pod["spec"].get("nodeName", "") for pod in api.get("/api/v1/pods")["items"])
    return [_node_row(node, ready, pods) for node in api.get("/api/v1/nodes")["items"]]


def _node_row(node: dict[str, Any], ready: set[str], pods: Counter[str]) -> tuple[str, ...]:
    name, labels = node["metadata"]["name"], node["metadata"].get("labels", {})
    taints = [f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in node["spec"].get("taints", [])]
    zone = labels.get("topology.kubernetes.io/zone", "")
    return (
        name,
        labels.get("berth.dev/lab-pool", ""),
        zone,
        "yes" if name in ready else "no",
        ",".join(taints),
        str(pods[name]),
    )


def _wait_for_api(state: LabState, api: Api) -> None:
    wait(state, "the API server", lambda: api.answers("/readyz"))


def _runs(state: LabState, component: str) -> bool:
    return control.ask(state.folder, "status").get(component) == "running"


def _ready_nodes(api: Api) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in api.get("/api/v1/nodes")["items"]
        if any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in node.get("status", {}).get("conditions", [])
        )
    }


def _open_nodes(api: Api) -> set[str]:
    """Ready ones whose taint from before that is gone, too: until then no pod is placed on them."""
    taints = {one["metadata"]["name"]: one["spec"].get("taints", ()) for one in api.get("/api/v1/nodes")["items"]}
    closed = {name for name, found in taints.items() if any(taint["key"] == _NOT_READY for taint in found)}
    return _ready_nodes(api) - closed


def _tail(state: LabState, component: str) -> str:
    path = state.folder / "logs" / f"{component}.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-_LOG_LINES:]) if path.exists() else ""
