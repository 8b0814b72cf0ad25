"""Karpenter's kinds, as its own build prints them."""

import subprocess

from berth.lab import KARPENTER, tool
from support.cluster import Cluster

KINDS = ("nodepools.karpenter.sh", "nodeclaims.karpenter.sh", "kwoknodeclasses.karpenter.kwok.sh")


def install(cluster: Cluster) -> None:
    """The kinds, without the controller."""
    printed = subprocess.run([tool("karpenter", KARPENTER), "crds"], capture_output=True, text=True, check=True).stdout
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=printed)
    cluster.wait_kinds(*KINDS)
