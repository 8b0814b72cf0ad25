"""What a task may be in a namespace without privileges: the API server's own Pod Security says if it is too much."""

import json
from typing import Any

import pytest

from support.cluster import ROOT, Cluster
from support.golden import case_id, cases, load, shown, world_of

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
LEVEL = "pod-security.kubernetes.io/enforce"


def templates() -> dict[str, Json]:
    """The pods of all golden worlds whose namespace gives no power over nodes."""
    found: dict[str, Json] = {}
    for case in cases():
        controller, world = world_of(load(case))
        if world.settings.privileged_namespaces:
            continue
        for number, body in enumerate(shown(world, controller.plan(world))["children"] or ()):
            if body["kind"] in {"Deployment", "DaemonSet"}:
                found[f"{case_id(case)} {number}"] = body["spec"]["template"]
    return found


def test_tasks_without_privileges_are_at_pod_securitys_baseline(own_lab: Cluster) -> None:
    """So a namespace that enforces it takes them, and whoever writes one gains no power that it forbids."""
    # The priority of the pods that keep room, which comes with the installation.
    own_lab.kubectl("apply", "-f", str(ROOT / "deploy" / "operator" / "priorityclass.yaml"))
    own_lab.create_namespace("baseline")
    own_lab.kubectl("label", "namespace", "baseline", f"{LEVEL}=baseline")
    pods: list[Json] = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": f"pod-{number}"},
            "spec": {**template["spec"], "serviceAccountName": "default"},
        }
        for number, template in enumerate(templates().values())
    ]
    assert len(pods) > 100
    everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": pods})
    done = own_lab.kubectl("create", "-n", "baseline", "--dry-run=server", "-f", "-", stdin=everything, check=False)
    names = dict(zip((str(pod["metadata"]["name"]) for pod in pods), templates(), strict=True))
    assert [
        f"{names[name]}: {line}" for line in done.stderr.splitlines() for name in names if f'"{name}"' in line
    ] == []
    assert done.stderr == ""
