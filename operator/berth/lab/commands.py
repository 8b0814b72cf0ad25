"""The command line of each component of a lab."""

import sys
from pathlib import Path

from berth.lab.state import LabState

SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/16"
KWOK_PODS = "10.64.0.1/12"
DNS = "10.96.0.10"
NODE_ADDRESS = "192.168.77.2"
NODE_NAME = "node0"
SECOND_ADDRESS = "192.168.77.3"
SECOND_NAME = "node1"
# Where there are two nodes, each has a range for its pods, and the other a route to it.
POD_RANGES = ("10.244.0.0/24", "10.244.1.0/24")
# An address for documentation: the API server insists on one that it can tell pods, and no pod of KWOK ever asks.
NOWHERE = "192.0.2.1"
INSIDE_PORT = 6443
METRICS_PORT = 10251
KWOK_PORT = 10250

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE = ("containerd", "kubelet", "kube-proxy", "coredns", "metrics-server")
# The first of these holds the namespaces that the others enter.
SECOND = ("second-node", "containerd-1", "kubelet-1", "kube-proxy-1")


def components(state: LabState) -> tuple[str, ...]:
    """Return what a lab runs, in the order of its start."""
    if state.real:
        return (*CONTROL_PLANE, *(SECOND[:2] if state.second else ()), *NODE, *(SECOND[2:] if state.second else ()))
    asked = state.options
    further = {"metrics-server": asked.metrics, "karpenter": asked.karpenter, "envoy-gateway": asked.envoy_gateway}
    return (*CONTROL_PLANE, "kwok", *(name for name, wanted in further.items() if wanted))


def command(state: LabState, component: str) -> list[str]:
    """Return the program and arguments of a component."""
    arguments = {
        "etcd": _etcd,
        "kube-apiserver": _api_server,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
        "kwok": _kwok,
        "containerd": _containerd,
        "kubelet": _kubelet,
        "kube-proxy": _proxy,
        "coredns": _coredns,
        "metrics-server": _metrics_server,
        "karpenter": _karpenter,
        "second-node": _second_node,
        "containerd-1": _containerd,
        "kubelet-1": _second_kubelet,
        "kube-proxy-1": _second_proxy,
        "envoy-gateway": _envoy_gateway,
    }[component](state)
    elsewhere = {
        "containerd": "/usr/bin/containerd",
        "karpenter": f"{state.karpenter}/karpenter",
        "second-node": "/usr/bin/unshare",
        "envoy-gateway": f"{state.envoy_gateway}/envoy-gateway",
    }
    program = component.removesuffix("-1")
    way = inside_second(state) if program != component else []
    return [*way, elsewhere.get(program, f"{state.binaries}/{program}"), *arguments]


def holder(state: LabState) -> Path:
    """Return the file with the number of the process that holds the second node's namespaces."""
    return state.folder / "node" / "second.pid"


def inside_second(state: LabState) -> list[str]:
    """Return the start of a command on the second node, for processes of the lab."""
    return ["nsenter", "--target", holder(state).read_text(), "--net", "--mount", "--"]


def _second_node(state: LabState) -> list[str]:
    own = ("--net", "--mount", "--propagation", "private")
    return [*own, sys.executable, "-m", "berth.lab.second_node", state.name]


def _etcd(state: LabState) -> list[str]:
    client, peer = f"http://127.0.0.1:{state.etcd_port}", f"http://127.0.0.1:{state.peer_port}"
    return [
        f"--data-dir={state.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--socket-reuse-port=true",
        # A lab's data need not outlive a power cut, and a disk's flush is the slowest step of each write.
        "--unsafe-no-fsync",
        "--quota-backend-bytes=4294967296",
        "--log-level=warn",
    ]


def _api_server(state: LabState) -> list[str]:
    pki = state.folder / "pki"
    reached = (
        [f"--advertise-address={NODE_ADDRESS}", "--bind-address=0.0.0.0", f"--secure-port={INSIDE_PORT}"]
        if state.real
        else [
            f"--advertise-address={NOWHERE}",
            "--endpoint-reconciler-type=none",
            "--bind-address=127.0.0.1",
            f"--secure-port={state.port}",
            "--permit-port-sharing=true",
        ]
    )
    return [
        f"--etcd-servers=http://127.0.0.1:{state.etcd_port}",
        *reached,
        f"--cert-dir={state.folder / 'run'}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--service-account-key-file={pki / 'sa.key'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={state.folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        f"--service-cluster-ip-range={SERVICES}",
        "--allow-privileged=true",
        "--profiling=false",
        *_kubelet_access(pki),
        *_aggregation(pki, routing=state.real),
        *_audit(state),
        *state.options.api_flags,
    ]


def _kubelet_access(pki: Path) -> list[str]:
    return [
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
    ]


def _aggregation(pki: Path, *, routing: bool) -> list[str]:
    """Let extension API servers trust requests that come through this one.

    With routing it goes to endpoints itself, which a metrics-server without a pod needs; without, an ExternalName
    Service works, which a program beside the cluster needs.
    """
    return [
        f"--requestheader-client-ca-file={pki / 'front-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki / 'front-client.crt'}",
        f"--proxy-client-key-file={pki / 'front-client.key'}",
        *(["--enable-aggregator-routing=true"] if routing else []),
    ]


def _audit(state: LabState) -> list[str]:
    if not state.options.audit:
        return []
    return [
        f"--audit-policy-file={state.folder / 'audit-policy.yaml'}",
        f"--audit-log-path={state.folder / 'logs' / 'audit.log'}",
        "--audit-log-maxsize=1000",
    ]


def _controller_manager(state: LabState) -> list[str]:
    pki = state.folder / "pki"
    return [
        f"--kubeconfig={state.folder / 'kubeconfigs' / 'controller-manager'}",
        f"--service-account-private-key-file={pki / 'sa.key'}",
        f"--root-ca-file={pki / 'ca.crt'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--horizontal-pod-autoscaler-sync-period={state.options.hpa_sync_seconds}s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=0s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=0s",
        "--horizontal-pod-autoscaler-downscale-stabilization=5s",
    ]


def _scheduler(state: LabState) -> list[str]:
    return [f"--config={state.folder / 'scheduler.yaml'}", "--secure-port=0"]


def _kwok(state: LabState) -> list[str]:
    return [
        f"--kubeconfig={state.folder / 'kubeconfigs' / 'kwok'}",
        f"--config={state.folder / 'kwok.yaml'}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        f"--cidr={KWOK_PODS}",
        *(_kwok_metrics(state) if state.options.metrics else ["--server-address="]),
    ]


def _kwok_metrics(state: LabState) -> list[str]:
    """Let KWOK answer as the kubelet of all its nodes."""
    pki = state.folder / "pki"
    return [
        f"--node-ip={state.own_address}",
        f"--node-port={KWOK_PORT}",
        f"--server-address={state.own_address}:{KWOK_PORT}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
    ]


def _containerd(state: LabState) -> list[str]:
    return ["--config", str(state.folder / "node" / "containerd.toml")]


def _kubelet(state: LabState) -> list[str]:
    return [f"--hostname-override={NODE_NAME}", f"--node-ip={NODE_ADDRESS}", *_any_kubelet(state, "", "eu-west-1a")]


def _second_kubelet(state: LabState) -> list[str]:
    named = [f"--hostname-override={SECOND_NAME}", f"--node-ip={SECOND_ADDRESS}"]
    return [*named, *_any_kubelet(state, "-1", "eu-west-1b")]


def _any_kubelet(state: LabState, suffix: str, zone: str) -> list[str]:
    return [
        f"--kubeconfig={state.folder / 'kubeconfigs' / f'kubelet{suffix}'}",
        f"--config={state.folder / 'node' / f'kubelet{suffix}.yaml'}",
        "--root-dir=/run/berth/kubelet",
        "--cert-dir=/run/berth/kubelet-pki",
        f"--node-labels=topology.kubernetes.io/zone={zone},topology.kubernetes.io/region=eu-west-1",
    ]


def _proxy(state: LabState) -> list[str]:
    return [f"--hostname-override={NODE_NAME}", *_any_proxy(state, "")]


def _second_proxy(state: LabState) -> list[str]:
    return [f"--hostname-override={SECOND_NAME}", *_any_proxy(state, "-1")]


def _any_proxy(state: LabState, suffix: str) -> list[str]:
    return [
        f"--kubeconfig={state.folder / 'kubeconfigs' / f'kube-proxy{suffix}'}",
        f"--cluster-cidr={PODS}",
        "--proxy-mode=iptables",
        "--iptables-min-sync-period=100ms",
        "--iptables-sync-period=5s",
        # The table's size is the machine's, not the namespace's.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]


def _coredns(state: LabState) -> list[str]:
    return ["-conf", str(state.folder / "node" / "Corefile")]


def _metrics_server(state: LabState) -> list[str]:
    kubeconfig = state.folder / "kubeconfigs" / "metrics-server"
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={NODE_ADDRESS if state.real else state.own_address}",
        f"--secure-port={METRICS_PORT}",
        f"--cert-dir={'/run/berth/metrics-server' if state.real else state.folder / 'run'}",
        "--kubelet-insecure-tls",
        "--kubelet-use-node-status-port",
        "--kubelet-preferred-address-types=InternalIP",
        # The timeout has to be the smaller one.
        "--kubelet-request-timeout=5s",
        "--metric-resolution=10s",
    ]


def _karpenter(state: LabState) -> list[str]:
    return [
        str(state.folder / "kubeconfigs" / "karpenter"),
        "--disable-leader-election=true",
        # Ports of its own choice: it can be told no address.
        "--metrics-port=0",
        "--health-probe-port=0",
        # It waits so long for more pods before it orders nodes.
        "--batch-idle-duration=200ms",
        "--batch-max-duration=1s",
        "--log-output-paths=stdout",
    ]


def _envoy_gateway(state: LabState) -> list[str]:
    return [str(state.folder / "kubeconfigs" / "envoy-gateway")]
