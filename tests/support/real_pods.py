"""Whether real pods can run here, and whether it is all right if they cannot."""

import os
from pathlib import Path

import pytest

from berth.lab import real_nodes_unavailable


def require_real_pods() -> None:
    """Skip with the reason where the machine does not allow real pods; as root on Debian there is no excuse."""
    reason = real_nodes_unavailable()
    if reason is None:
        return
    if os.geteuid() == 0 and Path("/etc/debian_version").exists():
        pytest.fail(f"real pods must run for root on Debian: {reason}")
    pytest.skip(f"real pods cannot run here: {reason}")
