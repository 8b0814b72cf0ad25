"""Nodes that are about to go: a notice makes a node DRAINING, and its tasks are replaced before it ends."""

from collections.abc import Collection

from berth.plan.outcome import Json
from berth.plan.running_task import RunningTask
from berth.plan.world import World
from berth.resources import NODE

DRAINING = "DRAINING"

CORDON_TAINT = "node.kubernetes.io/unschedulable"
NOTICES = frozenset(
    {
        "karpenter.sh/disrupted",
        "ToBeDeletedByClusterAutoscaler",
        "cloud.google.com/impending-node-termination",
        "remediator.aks.microsoft.com/unschedulable",
        "remediator.kubernetes.azure.com/unschedulable",
        CORDON_TAINT,
        "node.kubernetes.io/out-of-service",
        "node.cloudprovider.kubernetes.io/shutdown",
    }
)
"""Taints by which platforms say that a node is about to go."""
TERMINATION_HANDLER = "aws-node-termination-handler/"
CORDON = "unschedulable"
SHUTTING_DOWN = "node is shutting down"
"""The kubelet's word for a node that shuts down gracefully."""


def notice(node: Json) -> str:
    """Why a node is DRAINING, in its platform's own words; empty for one that is not."""
    for taint in node.get("spec", {}).get("taints") or ():
        key = str(taint["key"])
        if key in NOTICES or key.startswith(TERMINATION_HANDLER):
            return key
    if node.get("spec", {}).get("unschedulable"):
        return CORDON
    return SHUTTING_DOWN if _shuts_down(node) else ""


def _shuts_down(node: Json) -> bool:
    conditions = node.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and SHUTTING_DOWN in one.get("message", "") for one in conditions)


def is_interrupted(node: Json) -> bool:
    """Whether its platform takes the node away: a cordon alone is somebody's work on it."""
    keys = {str(taint["key"]) for taint in node.get("spec", {}).get("taints") or ()} - {CORDON_TAINT}
    return bool(keys & NOTICES) or any(key.startswith(TERMINATION_HANDLER) for key in keys) or _shuts_down(node)


def draining_nodes(world: World) -> dict[str, str]:
    """The notice of each node that has one, by the node's name."""
    return {node["metadata"]["name"]: notice(node) for node in world.group(NODE, DRAINING)}


def still_to_go(tasks: Collection[RunningTask], out: Collection[str], count: int) -> tuple[int, int]:
    """How many tasks of a Deployment of this count are among these, and for how many more it was lowered already.

    A task that carries our mark and is one too many for the count is on its way: its ReplicaSet stops it next.
    """
    dying = [task for task in tasks if task.name in out]
    going = min(max(0, len(tasks) - count), sum(task.chosen for task in dying))
    return min(len(dying) - going, count), going
