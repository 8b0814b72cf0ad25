"""What the demo does to spot nodes: a notice on one of them, then no room on all of them, and room again."""

import time
from collections import Counter
from collections.abc import Callable

from rich.console import Console

from berth import names
from berth.cli.demo_view import PATIENCE, PAUSE, Cluster, show
from berth.lab import LabError
from berth.lab.progress import step

SPOT, ON_DEMAND = "fargate-spot", "fargate"
NOTICE = "aws-node-termination-handler/spot-itn"
FULL = "demo.berth.dev/full"
FALLBACK = '{"spec":{"fallback":{"to":"fargate","after":"3s","returnAfter":"5s","maxMoving":100}}}'


def interruption(cluster: Cluster, console: Console) -> None:
    """A spot node gets its notice: its tasks are healthy elsewhere before it may go."""
    before = cluster.seen().split
    node = Counter(task.node for task in cluster.seen().tasks if task.provider == SPOT).most_common(1)[0][0]
    with step(f"A notice for {node}: taint {NOTICE}"):
        cluster.kubectl("taint", "node", node, f"{NOTICE}=:NoSchedule")
    with step(f"Waiting until its tasks run elsewhere and {node} is empty"):
        _until(
            lambda: all(task.node != node for task in cluster.seen().tasks) and _is_ready(cluster), "the tasks moved"
        )
    if (after := cluster.seen().split) != before:
        raise LabError(f"the split of {before} became {after}")
    show(console, cluster, f"{node} is empty, and the split is what it was")
    cluster.kubectl("taint", "node", node, f"{NOTICE}-")


def fallback(cluster: Cluster, console: Console) -> None:
    """Spot has no room: after three seconds tasks start on Fargate; once it has, they come back."""
    before = cluster.seen().split
    nodes = [one["metadata"]["name"] for one in cluster.objects("nodes") if _pool(one) == SPOT]
    with step(f"Giving {SPOT} a fallback, and losing all of its {len(nodes)} nodes' room"):
        cluster.kubectl("patch", "cprov", SPOT, "--type=merge", "-p", FALLBACK)
        cluster.kubectl("taint", "nodes", *nodes, f"{FULL}=:NoExecute")
    total = sum(before.values())
    with step(f"Waiting until all {total} tasks run on {ON_DEMAND}"):
        _until(lambda: cluster.seen().split == {ON_DEMAND: total} and _is_ready(cluster), "the tasks are on Fargate")
    show(console, cluster, f"Spot is out: its tasks run on {ON_DEMAND} (condition CapacityFallback)")
    cluster.kubectl("taint", "nodes", *nodes, f"{FULL}-")
    with step("Spot has room again: waiting until its tasks are back"):
        _until(lambda: cluster.seen().split == before and _is_ready(cluster), "the tasks are back")
    show(console, cluster, "Spot is back: so are its tasks")


def _pool(node: dict[str, object]) -> str:
    metadata: dict[str, dict[str, str]] = node["metadata"]  # type: ignore[assignment]  # JSON
    return metadata.get("labels", {}).get(names.CAPACITY_PROVIDER, "")


def _is_ready(cluster: Cluster) -> bool:
    conditions = cluster.objects("ecssvc")[0]["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(PAUSE)
