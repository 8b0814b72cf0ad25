"""Files that others publish in Go modules, such as their CustomResourceDefinitions."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path

from berth.lab import toolchain
from berth.lab.paths import cache_root


@cache
def folder(module: str) -> Path:
    """Where a module (`path@version`) is unpacked, downloaded if it is not there yet."""
    home = cache_root() / "go" / module.partition("@")[0].rpartition("/")[2]
    home.mkdir(parents=True, exist_ok=True)
    (home / "go.mod").write_text(f"module {home.name}\n\ngo 1.24\n")
    command = [str(toolchain.go()), "mod", "download", "-json", module]
    cached = {"GOMODCACHE": str(cache_root() / "go" / "mod"), "GOCACHE": str(cache_root() / "go" / "build")}
    fixed = {"GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw", "GOWORK": "off"}
    environment = {**cached, **os.environ, **fixed}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout)["Dir"])
