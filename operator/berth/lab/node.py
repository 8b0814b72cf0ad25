"""A real node's own world: its network, its mounts, and the files that its programs read."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from berth.lab.cgroups import enter_cgroups
from berth.lab.commands import DNS, NODE_ADDRESS, POD_RANGES, PODS
from berth.lab.images import PAUSE
from berth.lab.state import LabState

# On a file system in memory that only the lab's processes see: it is gone with them.
PRIVATE = Path("/run/berth")
CONTAINERD = PRIVATE / "containerd.sock"
_CNI_CACHE = Path("/var/lib/cni")
HIDDEN = (Path("/run"), Path("/var/log"), _CNI_CACHE)
_GATEWAY = "192.168.77.1"


def prepare(state: LabState) -> None:
    """Furnish the fresh namespaces that this process is the first of."""
    enter_cgroups(state.name)
    furnish()
    _connect()
    _write_files(state)


def furnish() -> None:
    """Give a node's programs file systems of their own."""
    # The programs write to a few fixed places beside their own folders: none of it shall reach the machine's disk.
    _CNI_CACHE.mkdir(parents=True, exist_ok=True)
    for place in HIDDEN:
        call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(place))
    for folder in ("kubelet", "containerd", "metrics-server", "cni"):
        (PRIVATE / folder).mkdir(parents=True)


def _connect() -> None:
    call("ip", "link", "set", "lo", "up")
    # A bridge without ports, for not every kernel has a dummy device: the node's address has to be on something.
    call("ip", "link", "add", "node", "type", "bridge")
    call("ip", "address", "add", f"{NODE_ADDRESS}/24", "dev", "node")
    call("ip", "link", "set", "node", "up")
    # Leads nowhere, but without a default route the API server finds no address of its own.
    call("ip", "route", "add", "default", "via", _GATEWAY)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def call(*command: str) -> None:
    """Run a program; raise with what it said if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def _write_files(state: LabState) -> None:
    folder = state.folder / "node"
    folder.mkdir()
    (folder / "containerd.toml").write_text(_containerd(folder / "certs.d"))
    (PRIVATE / "cni" / "10-berth.conflist").write_text(json.dumps(cni(POD_RANGES[0] if state.second else PODS)))
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(kubelet_settings(NODE_ADDRESS)))
    (folder / "Corefile").write_text(_corefile(state))


def _containerd(registries: Path) -> str:
    """With a folder, empty at first, that says where registries are: there is no way to those of the world."""
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE a negative value is refused, and runc does not say so.
    return f"""version = 2
root = "{PRIVATE}/containerd/root"
state = "{PRIVATE}/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs"]
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{registries}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{PRIVATE}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def cni(pods: str) -> dict[str, Any]:
    """Return the network of a node's pods, whose addresses are of one range.

    Each pod has a routed link of its own. Pods on a common bridge would answer each other past the rules that turn a
    Service's address into theirs, unless the kernel has br_netfilter.
    """
    addresses = {
        "type": "host-local",
        "dataDir": str(PRIVATE / "ipam"),
        "ranges": [[{"subnet": pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": "berth",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet_settings(address: str) -> dict[str, Any]:
    """Return the configuration of a kubelet that answers at an address."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "failSwapOn": False,
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "enforceNodeAllocatable": ["pods"],
        "localStorageCapacityIsolation": False,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi"},
        "podLogsDir": str(PRIVATE / "pod-logs"),
        "volumePluginDir": str(PRIVATE / "volume-plugins"),
        "serializeImagePulls": False,
        "maxPods": 200,
        # How long a change of a ConfigMap or Secret takes to reach a pod, and a probe's result to reach the status.
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
    }


def _corefile(state: LabState) -> str:
    kubeconfig = state.folder / "kubeconfigs" / "coredns"
    return f""".:53 {{
    errors
    health 127.0.0.1:8080
    ready 127.0.0.1:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig} berth-lab-{state.name}
        pods insecure
        ttl 5
    }}
    cache 5
}}
"""
