"""The README's first command, as a pipeline runs it."""

import re
import subprocess
import sys

import pytest

from support.lab_name import lab_name


@pytest.mark.cluster
def test_the_demo_shows_every_step_and_leaves_nothing() -> None:
    name = lab_name()
    done = subprocess.run(
        [sys.executable, "-m", "berth", "demo", "--once", "--name", name],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert "Every step was seen to work." in done.stdout
    assert re.search(r"service.berth.dev/web +web:1 +12 +12 +0 +True", done.stdout)
    assert re.search(r"web-fargate-spot +8/8", done.stdout)
    assert re.search(r"is empty, and the split is what it was", done.stdout), "an interruption"
    assert re.search(r"web-fargate +12/12", done.stdout), "a fallback"
    assert "Spot is back: so are its tasks" in done.stdout
    left = subprocess.run([sys.executable, "-m", "berth", "lab", "status"], capture_output=True, text=True, check=True)
    assert name not in left.stdout
