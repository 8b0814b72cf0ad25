"""Builds the lab's Go programs once per content: the folder's name is a hash of all that goes into them."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from berth.lab import toolchain
from berth.lab.errors import LabError
from berth.lab.modules import CLUSTER, Module
from berth.lab.paths import cache_root
from berth.lab.progress import step

# Builds of other contents (another branch, say) are kept this many at a time.
KEPT = 3


def build(module: Module = CLUSTER) -> Path:
    """Return the folder with all programs of a module, after building what is missing."""
    command = toolchain.go()
    home = cache_root() / module.folder / key(module, toolchain.version(command))
    if complete(module, home):
        os.utime(home)
        return home
    with _only_one_build():
        if not complete(module, home):
            _compile(module, command, home)
    return home


@cache
def _built(module: Module) -> Path:
    return build(module)


def tool(name: str, module: Module = CLUSTER) -> Path:
    """Return one program, built if need be; asked for once per process."""
    path = _built(module) / name
    if not path.exists():
        raise LabError(f"the lab has no program {name}")
    return path


def key(module: Module, go_version: str) -> str:
    """Return the name of the build that these sources, linker flags and this toolchain make."""
    digest = hashlib.sha256(f"{go_version} {_flags(module, '')}".encode())
    for path in module.files():
        name = os.path.relpath(path, module.sources)
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _flags(module: Module, key: str) -> str:
    stamps = {**module.stamps, module.stamp: key}
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in stamps.items())])


def complete(module: Module, home: Path) -> bool:
    """Say whether a folder holds this very build: its stamp fits, and each program has the size that was stamped."""
    try:
        stamp = json.loads((home / "stamp.json").read_text())
        return bool(stamp == {"key": home.name, "sizes": _sizes(module, home)})
    except (OSError, ValueError):
        return False


def write_stamp(module: Module, home: Path, name: str) -> None:
    """Note in a folder which build it holds, and how large each program is."""
    (home / "stamp.json").write_text(json.dumps({"key": name, "sizes": _sizes(module, home)}))


def _sizes(module: Module, home: Path) -> dict[str, int]:
    return {name: (home / name).stat().st_size for name in module.programs}


@contextmanager
def _only_one_build() -> Generator[None]:
    path = cache_root() / "build.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("Waiting for another build of the lab"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _compile(module: Module, command: Path, home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    for leftover in home.parent.glob("new-*"):  # of a build that was killed: this process holds the only lock
        shutil.rmtree(leftover, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=home.parent))
    with step(f"Building {module.content} from source (minutes, once)") as report:
        arguments = [
            "nice",
            str(command),
            "build",
            "-v",
            "-trimpath",
            "-ldflags",
            _flags(module, home.name),
            "-o",
            str(fresh),
            module.packages,
        ]
        with subprocess.Popen(
            arguments, cwd=module.sources, env=environment(), stderr=subprocess.PIPE, text=True
        ) as process:
            lines: list[str] = []
            for line in process.stderr or ():
                lines.append(line)
                report(f"{len(lines)} packages, now {line.strip()}")
        if process.returncode:
            raise LabError("go build failed:\n" + "".join(lines[-30:]))
        _finish(module, fresh, home)
    _prune(home)


def _finish(module: Module, fresh: Path, home: Path) -> None:
    for program, names in module.programs.items():
        said = subprocess.run([fresh / program, "--build"], capture_output=True, text=True, check=False).stdout
        if said.strip() != home.name:
            raise LabError(f"the new {program} reports build {said.strip()!r} instead of {home.name}")
        for name in names:
            (fresh / name).symlink_to(program)
    fresh.chmod(0o755)
    write_stamp(module, fresh, home.name)
    shutil.rmtree(home, ignore_errors=True)
    fresh.rename(home)


def _prune(home: Path) -> None:
    builds = sorted((path for path in home.parent.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for old in builds[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def environment() -> dict[str, str]:
    """Return an environment in which Go leaves nothing outside the cache, unless the caller chose its folders."""
    home = cache_root() / "go"
    defaults = {"GOMODCACHE": str(home / "mod"), "GOCACHE": str(home / "build")}
    fixed = {"GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw -mod=readonly", "CGO_ENABLED": "0", "GOWORK": "off"}
    return {**defaults, **os.environ, **fixed}
