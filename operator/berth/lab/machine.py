"""What this machine allows: real containers need more than a control plane does."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from berth.lab.cgroups import ROOT, version_2
from berth.lab.install import missing_packages
from berth.lab.node import HIDDEN
from berth.lab.paths import cache_root, state_root

_TRY = "ip link add try type bridge && ip link add try0 type veth peer name try1 && iptables -t nat -S >/dev/null"
_CONTROLLERS = {"cpu", "memory", "pids"}


@cache
def real_nodes_unavailable() -> str | None:
    """Say why this machine cannot run real containers for a lab, or None when it can."""
    if sys.platform != "linux":
        return f"real nodes need Linux, this is {sys.platform}"
    if os.geteuid() != 0:
        return "real nodes need root"
    if missing := missing_packages():
        return f"missing: {', '.join(missing)} (install with: berth lab install-packages)"
    return _no_control_groups() or _hidden_folders() or _no_namespaces()


def _no_control_groups() -> str | None:
    if version_2():
        given = set((ROOT / "cgroup.subtree_control").read_text().split())
        lacking = _CONTROLLERS - given
    else:
        lacking = {name for name in _CONTROLLERS if not (ROOT / name).is_dir()}
    if lacking:
        return f"the control groups {', '.join(sorted(lacking))} are not available"
    return None if os.access(ROOT, os.W_OK) else f"{ROOT} is read-only"


def _hidden_folders() -> str | None:
    """A lab has private file systems at a few places, which would hide its own files from it."""
    for folder in (state_root(), cache_root(), Path(sys.prefix)):
        for hidden in HIDDEN:
            if folder.is_relative_to(hidden):
                return f"{folder} lies in {hidden}, which a lab with real nodes hides; set BERTH_STATE or BERTH_CACHE"
    return None


def _no_namespaces() -> str | None:
    """Try what the lab will do, in namespaces that are gone with the try."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", _TRY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"namespaces, bridges or iptables are not allowed: {done.stderr.strip()}" if done.returncode else None
