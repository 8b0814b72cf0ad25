"""The control groups of a lab with real containers: one of its own in each hierarchy, and nothing outside it.

The lab's processes see it as the root, so what containerd and the kubelet create is below it, and what killed
containers leave behind can be told from what other labs, or the machine, still use.
"""

import ctypes
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from berth.lab.api import Deadline
from berth.lab.errors import LabError

_SECONDS = 15.0
ROOT = Path("/sys/fs/cgroup")
_CLONE_NEWCGROUP = 0x02000000
_CPUSET = ("cpuset.cpus", "cpuset.mems")


def version_2() -> bool:
    """Say whether this machine has the one hierarchy of version 2 (and no older ones beside it)."""
    return (ROOT / "cgroup.controllers").exists()


def enter_cgroups(name: str) -> None:
    """Move this process into groups of the lab's own, and let them be all that it and its children see."""
    for hierarchy in _hierarchies():
        own = hierarchy / _group(name)
        own.mkdir(exist_ok=True)
        for setting in _CPUSET:  # a new group of version 1 may use no processor at all until it is told
            if (own / setting).exists() and not version_2():
                (own / setting).write_text((hierarchy / setting).read_text())
        (own / "cgroup.procs").write_text(str(os.getpid()))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWCGROUP):
        raise OSError(ctypes.get_errno(), "a namespace of control groups is refused")
    for hierarchy in _hierarchies():
        subprocess.run(["mount", "--bind", hierarchy / _group(name), hierarchy], check=True)
    if version_2():
        _make_room_for_children()


def add_group(name: str) -> None:
    """Add a group for containers to those that the lab's processes see, as the root of a second kubelet."""
    for hierarchy in _hierarchies():
        own = hierarchy / name
        own.mkdir(exist_ok=True)
        if version_2():
            given = (own / "cgroup.controllers").read_text().split()
            (own / "cgroup.subtree_control").write_text(" ".join(f"+{one}" for one in given))
            continue
        for setting in _CPUSET:
            if (own / setting).exists():
                (own / setting).write_text((hierarchy / setting).read_text())


def remove_cgroups(name: str) -> None:
    """Remove the lab's groups from all hierarchies, once the last of its processes is gone from them."""
    deadline = Deadline(_SECONDS)
    while not all(_removed(hierarchy / _group(name)) for hierarchy in _hierarchies()):
        if deadline.passed():
            raise LabError(f"processes of the lab {name} do not end; see {ROOT}/*/{_group(name)}/**/cgroup.procs")


def remove_abandoned() -> None:
    """Remove the groups of labs whose supervisor was killed and that nobody started again."""
    for hierarchy in _hierarchies():
        for group in hierarchy.glob(_group("*")):
            with suppress(OSError):  # another process may be at the same
                if time.time() - group.stat().st_mtime > _SECONDS and not _inhabited(group):
                    _removed(group)


def _inhabited(group: Path) -> bool:
    return any(processes.read_text() for processes in group.rglob("cgroup.procs"))


def _removed(group: Path) -> bool:
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()
    return not group.exists()


def _group(name: str) -> str:
    return f"berth-lab-{name}"


def _hierarchies() -> list[Path]:
    return [ROOT] if version_2() else [path for path in ROOT.glob("*") if path.is_dir() and not path.is_symlink()]


def _make_room_for_children() -> None:
    """Move to a leaf: in version 2, a group whose children have controllers holds no processes itself."""
    leaf = ROOT / "lab"
    leaf.mkdir()
    (leaf / "cgroup.procs").write_text(str(os.getpid()))
    controllers = (ROOT / "cgroup.controllers").read_text().split()
    (ROOT / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
