"""The lab's Go modules: what each builds, and from which files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from berth.lab.paths import SOURCES

KUBERNETES = "v1.36.3"
HELM = "v4.3.1"
KARPENTER_VERSION = "1.14.1"
_OWN_STAMP = "berth.dev/lab/internal/stamp.Build"


@dataclass(frozen=True)
class Module:
    """One go.mod, built as a whole."""

    folder: str
    """Where its builds are, in the cache."""
    sources: Path
    packages: str
    content: str
    """What people know of it."""
    programs: Mapping[str, tuple[str, ...]] = field(hash=False)
    """Each program, and the names that it also goes by."""
    stamps: Mapping[str, str] = field(hash=False)
    """Variables that the linker sets."""
    shared: tuple[Path, ...] = ()
    """Files of another module that go into it."""
    stamp: str = _OWN_STAMP
    """The variable that the linker sets to the name of the build."""

    def files(self) -> list[Path]:
        """Return all that a build is made from, in a fixed order; modules below this one are others."""
        nested = [path.parent for path in self.sources.glob("*/go.mod")]
        code = [path for path in self.sources.rglob("*.go") if not any(map(path.is_relative_to, nested))]
        return sorted([self.sources / "go.mod", self.sources / "go.sum", *code, *self.shared])


_MAJOR, _MINOR, _ = KUBERNETES.removeprefix("v").split(".")
CLUSTER = Module(
    folder="bin",
    sources=SOURCES,
    packages="./cmd/...",
    content="Kubernetes, KWOK and Helm",
    programs={
        "cluster": (
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
            "kwok",
            "metrics-server",
        ),
        "tools": ("kubectl", "helm"),
        "coredns": (),
        "crdcheck": (),
        "probe": (),
    },
    # Without version stamps the API server reports a development version.
    stamps={
        "k8s.io/component-base/version.gitVersion": KUBERNETES,
        "k8s.io/component-base/version.gitMajor": _MAJOR,
        "k8s.io/component-base/version.gitMinor": _MINOR,
        "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES,
        "helm.sh/helm/v4/internal/version.version": HELM,
    },
)
KARPENTER = Module(
    folder="karpenter",
    sources=SOURCES / "karpenter",
    packages=".",
    content="Karpenter",
    programs={"karpenter": ()},
    stamps={"sigs.k8s.io/karpenter/pkg/operator.Version": KARPENTER_VERSION},
    shared=(SOURCES / "go.mod", SOURCES / "internal" / "stamp" / "stamp.go"),
)
ENVOY_GATEWAY = Module(
    folder="envoy-gateway",
    sources=SOURCES / "envoy-gateway",
    packages=".",
    content="Envoy Gateway",
    programs={"envoy-gateway": ()},
    # It would listen on ports of its own choice, which no second lab could have.
    stamps={
        "github.com/envoyproxy/gateway/internal/provider/kubernetes.healthProbeBindAddress": "0",
        "sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress": "0",
    },
    stamp="main.build",
)
PEERS = {"karpenter": KARPENTER, "envoy-gateway": ENVOY_GATEWAY}
"""Programs that are built where a lab asks for them."""
