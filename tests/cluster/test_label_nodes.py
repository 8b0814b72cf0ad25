"""`berth nodes label` gives nodes to a provider of preset plain: where pods go afterwards, on a real scheduler."""

import os
import subprocess
import sys

import pytest

from support import platforms
from support.cluster import Cluster
from support.manifests import API, POOL, service, strategy, task_definition
from support.node_pool import open_nodes
from support.tasks import pods, wait_ready
from support.waiting import eventually

NODES = ("plain-one", "plain-two")
NAME = "test-plain"


def _berth(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "berth", "nodes", "label", *words]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def _marks(cluster: Cluster, name: str) -> tuple[str | None, list[str]]:
    """A node's label of Berth, and its taints."""
    node = cluster.get("node", name)
    assert node is not None
    taints = [f"{one['key']}={one.get('value', '')}:{one['effect']}" for one in node["spec"].get("taints", [])]
    return node["metadata"]["labels"].get(POOL), taints


@pytest.mark.usefixtures("operator")
def test_labelled_nodes_take_the_providers_tasks_and_nobody_elses(cluster: Cluster, namespace: str) -> None:
    cluster.apply(*(platforms.manifest(platforms.Made("plain", name[6:], {})) for name in NODES))
    eventually(lambda: open_nodes(cluster, platforms.PLATFORM) >= {*NODES}, what="the nodes take pods")
    words = platforms.only_there("plain")
    own = platforms.Made("plain", "one", {})
    kept = f"{platforms.PLATFORM}={own.platform}:NoSchedule"
    try:
        early = _berth(cluster, NODES[0], "--provider", NAME)
        assert early.returncode == 0, early.stderr
        assert early.stdout == f"node/plain-one: labelled {POOL}={NAME}, tainted {POOL}={NAME}:NoSchedule\n"
        assert f"there is no CapacityProvider {NAME} yet" in early.stderr
        spec = {"type": "EC2", "nodes": {"preset": "plain", "tolerations": words["tolerations"]}}
        cluster.apply({"apiVersion": API, "kind": "CapacityProvider", "metadata": {"name": NAME}, "spec": spec})

        both = _berth(cluster, *NODES, "gone", "--provider", NAME)
        assert both.returncode == 1
        assert f"node/plain-one: is a node of {NAME} already" in both.stdout
        assert f"node/plain-two: labelled {POOL}={NAME}" in both.stdout
        assert "node/gone" in both.stderr
        assert "not found" in both.stderr
        assert _marks(cluster, "plain-two") == (NAME, [kept, f"{POOL}={NAME}:NoSchedule"])

        other = _berth(cluster, "plain-one", "--provider", "other")
        assert other.returncode == 1
        assert f"is a node of {NAME}; --overwrite gives it to other" in other.stderr

        mine = strategy(**{NAME: (0, 1)})
        cluster.apply(task_definition(), service(desiredCount=4, capacityProviderStrategy=mine), namespace=namespace)
        wait_ready(cluster, namespace)
        assert {pod["spec"]["nodeName"] for pod in pods(cluster, namespace)} == set(NODES)

        taken = _berth(cluster, *NODES, "--provider", NAME, "--remove")
        assert taken.returncode == 0, taken.stderr
        assert f"node/plain-two: took the label and the taint {POOL}={NAME} off" in taken.stdout
        assert _marks(cluster, "plain-two") == (None, [kept])
        again = _berth(cluster, "plain-one", "--provider", NAME, "--remove")
        assert again.stdout == f"node/plain-one: is no node of {NAME}\n"
    finally:
        platforms.remove(cluster)
        cluster.kubectl("delete", "cprov", NAME, "--ignore-not-found")


def test_without_a_cluster_it_says_what_to_set() -> None:
    command = [sys.executable, "-m", "berth", "nodes", "label", "a", "--provider", "b"]
    environment = {**os.environ, "KUBECONFIG": "/nowhere"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "Set KUBECONFIG" in done.stderr
