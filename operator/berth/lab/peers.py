"""What a cluster with a real node gets before use: its images, its DNS and its metrics."""

import subprocess
from pathlib import Path
from typing import Any

from berth.lab.api import Api, Deadline
from berth.lab.commands import DNS, METRICS_PORT, NODE_ADDRESS, inside_second
from berth.lab.errors import LabError
from berth.lab.images import write_archive
from berth.lab.node import CONTAINERD
from berth.lab.state import LabState

_SECONDS = 30.0


def enter(state: LabState) -> list[str]:
    """Return the start of a command that runs in the network and among the mounts and processes of a lab."""
    children = Path(f"/proc/{state.pid}/task/{state.pid}/children").read_text().split()
    if not children:
        raise LabError(f"the lab {state.name} has ended")
    return ["nsenter", "--target", children[0], "--net", "--mount", "--pid"]


def own_images(state: LabState) -> Path:
    """Return an archive of the images that each real node has."""
    path = state.folder / "node" / "images.tar"
    write_archive(path, Path(state.binaries) / "probe")
    return path


def load_images(state: LabState, archive: Path) -> None:
    """Import an archive into each real node, once its containerd answers."""
    _load(state, [], archive)
    if state.second:
        _load(state, inside_second(state), archive)


def _load(state: LabState, way: list[str], archive: Path) -> None:
    client = [*enter(state), *way, "ctr", "--address", str(CONTAINERD), "--namespace", "k8s.io"]
    deadline = Deadline(_SECONDS)
    while subprocess.run([*client, "version"], capture_output=True, check=False).returncode:
        if deadline.passed():
            raise LabError(f"containerd does not answer; see {state.folder / 'logs' / 'containerd.log'}")
    done = subprocess.run(
        [*client, "images", "import", str(archive.resolve())], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LabError(f"{archive} cannot be imported: {done.stdout}{done.stderr}")


def add_services(api: Api) -> None:
    """Make DNS and metrics, which run as processes on the node, known to the cluster."""
    system = "/api/v1/namespaces/kube-system/services"
    dns = [_port("dns", 53, "UDP"), _port("dns-tcp", 53, "TCP")]
    api.create(system, _service("kube-dns", dns, DNS))
    metrics = [{**_port("https", 443, "TCP"), "targetPort": METRICS_PORT}]
    api.create(system, _service("metrics-server", metrics, None))
    slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
    api.create(slices, _slice("kube-dns", dns))
    api.create(slices, _slice("metrics-server", [_port("https", METRICS_PORT, "TCP")]))
    api.create("/apis/apiregistration.k8s.io/v1/apiservices", _METRICS_API)


def add_simulated_metrics(api: Api, address: str) -> None:
    """Make a metrics-server beside the cluster known to it: an ExternalName needs neither endpoints nor a network."""
    service = _service("metrics-server", [_port("https", METRICS_PORT, "TCP")], None)
    service["spec"] |= {"type": "ExternalName", "externalName": address}
    api.create("/api/v1/namespaces/kube-system/services", service)
    aggregated = {**_METRICS_API["spec"], "service": {**_METRICS_API["spec"]["service"], "port": METRICS_PORT}}
    api.create("/apis/apiregistration.k8s.io/v1/apiservices", {**_METRICS_API, "spec": aggregated})


def _port(name: str, port: int, protocol: str) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": protocol}


def _service(name: str, ports: list[dict[str, Any]], address: str | None) -> dict[str, Any]:
    """Return a Service without a selector: its endpoints are written by hand."""
    spec: dict[str, Any] = {"ports": ports} if address is None else {"ports": ports, "clusterIP": address}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "kube-system"}, "spec": spec}


def _slice(service: str, ports: list[dict[str, Any]]) -> dict[str, Any]:
    labels = {
        "kubernetes.io/service-name": service,
        "endpointslice.kubernetes.io/managed-by": "berth-lab",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-node", "namespace": "kube-system", "labels": labels},
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
    }


_METRICS_API: dict[str, Any] = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1beta1.metrics.k8s.io"},
    "spec": {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "metrics-server", "namespace": "kube-system"},
    },
}
