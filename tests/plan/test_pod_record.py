"""What is kept of a pod changes when something that a plan reads does, and at no other time."""

from typing import Any

import pytest

from berth.plan.outcome import Json
from berth.plan.pod_record import groups, keep

SPOT_IS_FULL = "0/20 nodes are available: 5 Insufficient cpu, 15 node(s) didn't match Pod's node affinity/selector."


def _pod(**status: Any) -> Json:
    return {
        "metadata": {
            "name": "web-fargate-spot-7d4b9-x2x4p",
            "namespace": "shop",
            "uid": "uid-1",
            "labels": {
                "app.kubernetes.io/name": "web",
                "berth.dev/service": "web",
                "berth.dev/capacity-provider": "fargate-spot",
                "pod-template-hash": "7d4b9",
            },
            "annotations": {"berth.dev/revision": "web:1"},
            "creationTimestamp": "2026-01-02T03:00:00Z",
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": "web-fargate-spot-7d4b9", "uid": "u", "controller": True}
            ],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "web"}]},
        "status": {"phase": "Running", "startTime": "2026-01-02T03:00:01Z", **status},
    }


def _condition(kind: str, status: str, **more: str) -> Json:
    return {"type": kind, "status": status, "lastTransitionTime": "2026-01-02T03:00:05Z", **more}


def test_a_running_task() -> None:
    pod = _pod(conditions=[_condition("Ready", "True"), _condition("PodScheduled", "True")], podIP="10.0.0.1")
    assert keep(pod) == {
        "metadata": {
            "labels": {
                "berth.dev/service": "web",
                "berth.dev/capacity-provider": "fargate-spot",
                "pod-template-hash": "7d4b9",
            },
            "creationTimestamp": "2026-01-02T03:00:00Z",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-fargate-spot-7d4b9"}],
        },
        "spec": {"nodeName": "node-1", "size": [0, 0]},
        "status": {
            "phase": "Running",
            "startTime": "2026-01-02T03:00:01Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:00:05Z"}],
        },
    }
    assert groups(pod) == ("web",)


def test_a_new_count_of_nodes_is_no_news() -> None:
    waits = [_condition("PodScheduled", "False", reason="Unschedulable", message=SPOT_IS_FULL)]
    again = [_condition("PodScheduled", "False", reason="Unschedulable", message=SPOT_IS_FULL.replace("20", "21"))]
    assert keep(_pod(conditions=waits)) == keep(_pod(conditions=again))


def test_a_deletion_and_its_cost_are_kept() -> None:
    pod = _pod()
    pod["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:00Z"
    pod["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"] = "-5"
    kept = keep(pod)["metadata"]
    assert kept["deletionTimestamp"] == "2026-01-02T03:04:00Z"
    assert kept["annotations"] == {"controller.kubernetes.io/pod-deletion-cost": "-5"}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (SPOT_IS_FULL, "Unschedulable"),
        ("no nodes available to schedule pods", "Unschedulable"),
        ("0/3 nodes are available: 3 node(s) had untolerated taint(s).", "Unschedulable"),
        (
            "0/9 nodes: 2 Insufficient memory, 7 node(s) had volume node affinity conflict.",
            "Unschedulable",
        ),
        ('persistentvolumeclaim "data" not found', "VolumeMissing"),
        ("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "VolumeMissing"),
        ("0/3 nodes are available: 3 node(s) had volume node affinity conflict.", "VolumeMissing"),
        ("0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.", "VolumeMissing"),
    ],
)
def test_want_of_a_node_is_told_from_want_of_a_volume(message: str, reason: str) -> None:
    kept = keep(_pod(conditions=[_condition("PodScheduled", "False", reason="Unschedulable", message=message)]))
    assert [one["reason"] for one in kept["status"]["conditions"]] == [reason]


def test_a_pod_that_nobody_has_looked_at_yet() -> None:
    bare: Json = {"metadata": {"name": "web-1"}}
    assert keep(bare) == {"metadata": {"labels": {}}, "spec": {"size": [0, 0]}, "status": {"conditions": []}}
    assert not any(groups(bare))
