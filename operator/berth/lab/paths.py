"""Where builds are cached and where running labs keep their state."""

import os
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[3] / "lab"


def cache_root() -> Path:
    """Return the one folder of everything that is built: BERTH_CACHE, or berth in the user's cache."""
    if configured := os.environ.get("BERTH_CACHE"):
        return Path(configured).expanduser().resolve()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(home).expanduser() / "berth").resolve()


def state_root() -> Path:
    """Return the folder that holds one folder per lab: BERTH_STATE, or labs in the cache."""
    if configured := os.environ.get("BERTH_STATE"):
        return Path(configured).expanduser().resolve()
    return cache_root() / "labs"
