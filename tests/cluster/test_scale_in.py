"""Target tracking during a deployment, on a real autoscaler's object: no task is taken away until it has completed."""

from typing import Any

from support import audit
from support.cluster import Cluster
from support.manifests import service, target_tracking, task_definition
from support.operator import Operator
from support.tasks import wait_ready
from support.waiting import eventually

SCALING: dict[str, Any] = {"minCapacity": 1, "maxCapacity": 4, "policies": [target_tracking("CPU", 60)]}
KIND = "horizontalpodautoscalers"


def test_it_is_off_during_a_deployment_and_written_only_then(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    wish = service(autoScaling=SCALING, deploymentConfiguration={"bakeTimeInMinutes": 1})
    cluster.apply(task_definition(), wish, namespace=namespace)
    wait_ready(cluster, namespace, within=180)
    assert not _is_off(cluster, namespace)
    assert _writes(cluster, namespace) in (1, None), "a new Service's autoscaler is written once"
    cluster.apply(task_definition(image="shop/web:2"), namespace=namespace)
    eventually(lambda: _is_off(cluster, namespace), what="no task is taken away")
    eventually(lambda: not _is_off(cluster, namespace), 180, "the deployment has completed")
    wait_ready(cluster, namespace)
    assert _writes(cluster, namespace) in (3, None)
    assert operator.running


def _is_off(cluster: Cluster, namespace: str) -> bool:
    found = cluster.get(KIND, "web", namespace)
    return found is not None and found["spec"]["behavior"]["scaleDown"].get("selectPolicy") == "Disabled"


def _writes(cluster: Cluster, namespace: str) -> int | None:
    """How often the operator wrote the autoscaler; None where nobody tells."""
    if cluster.lab is None:
        return None
    found = [one for one in audit.requests(cluster.lab.audit_log) if one.namespace == namespace]
    return audit.writes(found)[f"patch {KIND}"] + audit.writes(found)[f"create {KIND}"]
