"""A lab with Karpenter: it makes simulated nodes as pods ask for them, takes them away, and ends with the lab."""

import json
import os
from pathlib import Path

import pytest
import yaml

from berth.lab import Lab, LabError, LabOptions
from support.waiting import eventually

pytestmark = pytest.mark.cluster

POOL = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "burst"},
    "spec": {
        "disruption": {"consolidateAfter": "0s"},
        "template": {
            "metadata": {"labels": {"pool": "burst"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
                "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}],
            },
        },
    },
}
SELECTOR = {"spec": {"template": {"spec": {"nodeSelector": {"pool": "burst"}}}}}


def test_nodes_come_with_pods_and_go_with_them_and_karpenter_goes_with_the_lab(name: str) -> None:
    with Lab(name, nodes="none", tie_to_parent=True, options=LabOptions(karpenter=True)) as lab:
        lab.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(POOL))
        lab.kubectl("create", "deployment", "web", "--image=example.test/x", "--replicas=3")
        lab.kubectl("patch", "deployment", "web", "-p", json.dumps(SELECTOR))
        lab.kubectl("rollout", "status", "deployment/web", "--timeout=180s")
        nodes = lab.api.get("/api/v1/nodes")["items"]
        assert {node["metadata"]["labels"]["karpenter.sh/capacity-type"] for node in nodes} == {"spot"}
        lab.kubectl("scale", "deployment", "web", "--replicas=0")
        eventually(lambda: not lab.api.get("/api/v1/nodes")["items"], 240, "empty nodes are taken away")
        assert len(_karpenters(name)) == 1
    assert _karpenters(name) == []


def test_it_makes_no_real_nodes(name: str) -> None:
    with pytest.raises(LabError, match="Karpenter makes simulated nodes"):
        Lab(name, nodes="real", options=LabOptions(karpenter=True)).up()


def _karpenters(name: str) -> list[str]:
    """The processes whose kubeconfig is Karpenter's of this lab."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if line.partition("\0")[2].startswith("/") and f"/{name}/kubeconfigs/karpenter" in line:
                found.append(line)
    return found
