"""The Debian packages that real nodes need."""

import os
import shutil
import subprocess
from pathlib import Path

from berth.lab.errors import LabError
from berth.lab.progress import step

# Each package, and a file by which its presence shows on any distribution.
PACKAGES = {
    "containerd": "/usr/bin/containerd",
    "runc": "/usr/sbin/runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "/usr/sbin/iptables",
    "conntrack": "/usr/sbin/conntrack",
    "iproute2": "/sbin/ip",
    "busybox-static": "/bin/busybox",
}


def missing_packages() -> list[str]:
    """Return the packages whose programs are not here."""
    return [name for name, path in PACKAGES.items() if not Path(path).exists() or _needs_libraries(name, path)]


def _needs_libraries(name: str, path: str) -> bool:
    """Say whether a program that goes into an image alone is of a package that links it to libraries."""
    return name.endswith("-static") and b"/ld-linux" in Path(path).read_bytes()


def install_packages() -> None:
    """Install what is missing, where that is possible: root on a system with apt-get."""
    missing = missing_packages()
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"needs root and apt-get to install {', '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Installing {' '.join(missing)}"):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", "-qq", *command], env=environment, capture_output=True, text=True, check=False
            )
        if done.returncode or missing_packages():
            raise LabError(f"apt-get could not install {', '.join(missing)}:\n{done.stdout}{done.stderr}")
