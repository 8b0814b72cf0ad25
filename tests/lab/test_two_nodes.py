"""Two real nodes in one lab: pods of both answer each other, and nothing of either is left."""

import json
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from berth.lab import Lab
from support.lab_name import lab_name
from support.real_pods import require_real_pods
from support.waiting import eventually

pytestmark = pytest.mark.node


@pytest.fixture
def two() -> Generator[Lab]:
    require_real_pods()
    with Lab(lab_name(), nodes="real:2", tie_to_parent=True) as lab:
        yield lab


def _run(lab: Lab, name: str, node: str) -> str:
    """A pod that serves on a node, and its address."""
    placed = json.dumps({"spec": {"nodeName": node}})
    lab.kubectl("run", name, "--image=berth.local/probe:1", f"--overrides={placed}", "--", "serve", "-port", "8080")
    lab.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=180s")
    return lab.kubectl("get", "pod", name, "-o", "jsonpath={.status.podIP}").stdout


def test_pods_of_two_nodes_answer_each_other_and_a_killed_lab_leaves_no_trace(two: Lab) -> None:
    here, there = _run(two, "here", "node0"), _run(two, "there", "node1")
    assert (here.rpartition(".")[0], there.rpartition(".")[0]) == ("10.244.0", "10.244.1")
    two.kubectl("expose", "pod", "there", "--port=8080", "--name=second")
    two.kubectl("expose", "pod", "here", "--port=8080", "--name=first")
    for pod, other in (("here", "second"), ("there", "first")):
        ask = ["exec", pod, "--", "wget", "-q", "-O-", f"http://{other}:8080/healthz"]
        eventually(lambda ask=ask: two.kubectl(*ask, check=False).returncode == 0, what=f"{pod} reaches {other}")
    name = two.name
    os.kill(two.state.pid, signal.SIGKILL)
    eventually(lambda: not two.state.alive)
    two.down()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/berth-lab-{name}"))
    assert name not in Path("/proc/mounts").read_text()
