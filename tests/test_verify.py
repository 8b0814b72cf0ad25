"""What `make verify` checks, as tests, so that nothing lands which it would refuse."""

import subprocess
import sys
from pathlib import Path

import pytest

from berth.lab import tool

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
CHECKS = {
    "formats": [str(BIN / "ruff"), "format", "--check", "."],
    "rules": [str(BIN / "ruff"), "check", "."],
    "types by mypy": [str(BIN / "mypy")],
    "types by pyright": [str(BIN / "pyright")],
    "layers": [str(BIN / "lint-imports")],
    "generated files": [sys.executable, "-m", "berth.gen", "--check"],
}


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("check", CHECKS)
def test_the_tree_passes(check: str) -> None:
    done = _run(CHECKS[check])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_api_servers_own_validation_takes_the_crds() -> None:
    done = _run([str(tool("crdcheck")), *map(str, sorted((ROOT / "crds").glob("*.yaml")))])
    assert done.returncode == 0, done.stdout + done.stderr
