"""Gateway API: its real CustomResourceDefinitions of the standard channel."""

from support import go_module
from support.cluster import Cluster

MODULE = "sigs.k8s.io/gateway-api@v1.6.3"
GROUP = "gateway.networking.k8s.io"
CRDS = ("gatewayclasses", "gateways", "httproutes", "tcproutes", "udproutes", "referencegrants")


def install(cluster: Cluster, *plurals: str) -> None:
    """These kinds, or all that matter here, without a controller."""
    wanted = plurals or CRDS
    folder = go_module.folder(MODULE) / "config" / "crd" / "standard"
    for plural in wanted:
        cluster.kubectl("apply", "--server-side", "-f", str(folder / f"{GROUP}_{plural}.yaml"))
    cluster.wait_kinds(*(f"{plural}.{GROUP}" for plural in wanted))
