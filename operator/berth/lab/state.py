"""What is known about a lab: kept in its folder, so that any process can find and use it."""

import fcntl
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from berth.lab.errors import LabError
from berth.lab.paths import state_root

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class LabOptions:
    """What a test or a demo may want different."""

    audit: bool = True
    """Write each request to the API server to a file, as the audit level Metadata has it."""
    metrics: bool = False
    """Give simulated pods a use of CPU and memory (1m and 1Mi, or what their annotations kwok.x-k8s.io/usage-cpu and
    kwok.x-k8s.io/usage-memory say) and run metrics-server. Real nodes have it always."""
    karpenter: bool = False
    """Run Karpenter with its KWOK provider beside simulated nodes: it makes more of them, and takes them away."""
    envoy_gateway: bool = False
    """Run what of Envoy Gateway answers routes in their statuses, with Gateway API's kinds and a class `envoy`."""
    hpa_sync_seconds: int = 2
    """How often horizontal autoscalers decide."""
    api_flags: tuple[str, ...] = ()
    """Further flags of the API server."""
    users: tuple[str, ...] = ("alice", "bob")
    """People without rights of their own, for tests of RBAC; they are in the group developers."""


@dataclass(frozen=True)
class LabState:
    """One lab, as the file in its folder describes it."""

    name: str
    nodes: str
    binaries: str
    port: int
    etcd_port: int
    peer_port: int
    tokens: dict[str, str]
    karpenter: str = ""
    """The folder of Karpenter's program, where it runs."""
    envoy_gateway: str = ""
    """The folder of Envoy Gateway's program, where it runs."""
    options: LabOptions = field(default_factory=LabOptions)
    pid: int = 0
    started: int = 0
    ready: bool = False

    @property
    def real(self) -> bool:
        """Say whether this lab runs real containers, in a network of its own."""
        return self.nodes.startswith("real")

    @property
    def second(self) -> bool:
        """Say whether it has two real nodes."""
        return self.nodes == "real:2"

    @property
    def server(self) -> str:
        """The API server's address for programs of this machine."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def own_address(self) -> str:
        """An address of the machine's loopback that no other lab has, for programs that cannot share a kept port."""
        return f"127.77.{self.port >> 8}.{self.port & 255}"

    @property
    def folder(self) -> Path:
        """Where the lab keeps its files."""
        return folder(self.name)

    @property
    def alive(self) -> bool:
        """Say whether the lab's processes run."""
        return locked(self.name)

    def save(self) -> None:
        """Write the file whole or not at all."""
        fresh = self.folder / ".lab.json"
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.replace(self.folder / "lab.json")


def folder(name: str) -> Path:
    """Return where a lab of this name keeps its files."""
    if not NAME.fullmatch(name):
        raise LabError(f"{name!r} is no name for a lab: use a-z, 0-9 and - inside, at most 40 characters")
    return state_root() / name


def load(name: str) -> LabState | None:
    """Return what is known of a lab, or None when nothing (or only half a file of an older version) is."""
    try:
        found = json.loads((folder(name) / "lab.json").read_text())
        options = found.pop("options")
        options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
        return LabState(**found, options=LabOptions(**options))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def load_all() -> list[LabState]:
    """Return each lab that left a folder, alive or not."""
    root = state_root()
    names = sorted(path.name for path in root.iterdir() if NAME.fullmatch(path.name)) if root.is_dir() else []
    return [state for state in map(load, names) if state is not None]


def lock_file(name: str) -> Path:
    """Return the file that a lab's supervising process holds locked for as long as it lives.

    The kernel lets go of a lock with the last process that holds it: no process number can be mistaken for it later.
    """
    folder(name)
    path = state_root() / ".locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def take_lock(name: str) -> int:
    """Return a locked file descriptor for a new lab's supervisor, or raise when the name is taken."""
    descriptor = os.open(lock_file(name), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LabError(f"a lab named {name} runs already; end it with: berth lab down --name {name}") from None
    return descriptor


def locked(name: str) -> bool:
    """Say whether a supervisor holds the lock of this name."""
    try:
        descriptor = os.open(lock_file(name), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
