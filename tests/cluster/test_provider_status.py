"""What a platform team sees of a provider: figures that the real scheduler's work leads to."""

from collections.abc import Generator

import pytest

from support import platforms
from support.cluster import Cluster
from support.manifests import API, POOL, service, strategy, task_definition
from support.tasks import wait_ready
from support.waiting import eventually

NAME = "test-status"
NODES = [platforms.Made("status", number, {POOL: NAME}) for number in ("one", "two")]
LOOK = 90.0
"""Pods are looked at every ten seconds."""
GONE = 180.0
"""Tasks that end take their time, as much as they were given."""


@pytest.fixture
def provider(cluster: Cluster) -> Generator[None]:
    """Two nodes of 16 cores of their own, and their provider."""
    cluster.apply(*(platforms.manifest(node) for node in NODES))
    tolerations = platforms.only_there("status")["tolerations"]
    spec = {"type": "EC2", "nodes": {"preset": "plain", "tolerations": tolerations}}
    cluster.apply({"apiVersion": API, "kind": "CapacityProvider", "metadata": {"name": NAME}, "spec": spec})
    yield
    cluster.delete("cprov", NAME)
    cluster.kubectl("delete", "nodes", *(node.name for node in NODES), "--wait=false", "--ignore-not-found")


def _row(cluster: Cluster) -> dict[str, str]:
    """`kubectl get cprov -o wide` as a person reads it, by column; columns stand apart by three spaces."""
    head, line = cluster.kubectl("get", "cprov", NAME, "-o", "wide").stdout.splitlines()
    starts = [
        index for index in range(len(head)) if head[index] != " " and (index == 0 or head[index - 3 : index] == "   ")
    ]
    ends = [*starts[1:], None]
    return {head[a:b].strip(): line[a:b].strip() for a, b in zip(starts, ends, strict=True)}


def _shows(cluster: Cluster, **figures: str) -> dict[str, str] | None:
    row = _row(cluster)
    return row if all(row[key] == value for key, value in figures.items()) else None


@pytest.mark.usefixtures("operator", "provider")
def test_kubectl_get_cprov_tells_what_is_there_and_what_is_missing(cluster: Cluster, namespace: str) -> None:
    eventually(lambda: _shows(cluster, NODES="2", RUNNING="0", RESERVATION="0"), LOOK, "two idle nodes")
    mine = strategy(**{NAME: (0, 1)})
    cluster.apply(
        task_definition(cpu="4096", memory="8192"),
        service(desiredCount=3, capacityProviderStrategy=mine),
        namespace=namespace,
    )
    wait_ready(cluster, namespace)
    row = eventually(lambda: _shows(cluster, RUNNING="3", WAITING="0", RESERVATION="100"), LOOK, "three tasks run")
    assert (row["PRESET"], row["CPU"], row["CPU RESERVED"], row["MEMORY RESERVED"]) == ("plain", "32", "12", "24Gi")

    # Eight fit; four more would need a third node of this size.
    cluster.kubectl("scale", "ecssvc/web", "--replicas=12", "-n", namespace)
    eventually(lambda: _shows(cluster, RUNNING="8", WAITING="4", RESERVATION="150"), LOOK, "four tasks wait")

    cluster.kubectl("delete", "ecssvc", "web", "-n", namespace)
    eventually(lambda: _shows(cluster, RUNNING="0", WAITING="0", RESERVATION="0"), GONE, "all is idle again")

    # What Karpenter puts on a node that it takes away.
    cluster.kubectl("taint", "node", NODES[0].name, "karpenter.sh/disrupted:NoSchedule")
    row = eventually(lambda: _shows(cluster, NODES="1", INTERRUPTIONS="1"), LOOK, "an interruption is seen")
    cluster.kubectl("delete", "node", NODES[0].name)
    eventually(lambda: not (cluster.get("cprov", NAME) or {})["status"]["interruptedNodes"], LOOK, "the node is gone")
    assert _row(cluster)["INTERRUPTIONS"] == "1"
