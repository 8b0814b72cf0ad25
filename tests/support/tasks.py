"""Where the scheduler really put a Service's tasks."""

from collections import Counter
from typing import Any

from berth import names
from support.cluster import Cluster
from support.waiting import eventually

Json = dict[str, Any]
POOL = "berth.dev/lab-pool"


def wait_ready(cluster: Cluster, namespace: str, name: str = "web", within: float = 120) -> Json:
    """The Service once it is Ready for the spec that it has now.

    A new revision or an annotation is no change of the spec: who wrote one waits for what it does before this.
    """

    def ready() -> Json | None:
        found = cluster.get("ecssvc", name, namespace)
        assert found is not None, f"no Service {name}"
        status = found["status"]
        fresh = status["observedGeneration"] == found["metadata"]["generation"]
        holds = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
        return found if fresh and holds else None

    try:
        return eventually(ready, within, f"Service {namespace}/{name} is Ready")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{_told(cluster, namespace, name)}") from None


def wait_deployed(cluster: Cluster, namespace: str, revision: str, name: str = "web") -> Json:
    """The Service once it is Ready with this revision."""

    def shown() -> bool:
        return ((cluster.get("ecssvc", name, namespace) or {})["status"]).get("taskDefinition") == revision

    eventually(shown, 120, f"Service {namespace}/{name} is of {revision}")
    return wait_ready(cluster, namespace, name)


def _told(cluster: Cluster, namespace: str, name: str) -> str:
    """What there is to see of a Service that is not Ready: nobody can look at it once the test has ended."""
    status = (cluster.get("ecssvc", name, namespace) or {}).get("status", {})
    told = [f"{one['type']} {one['status']} {one['reason']}: {one['message']}" for one in status.get("conditions", ())]
    told += [f"deployment {one}" for one in status.get("deployments", ())]
    for pod in cluster.all("pods", namespace):
        where, conditions = pod["spec"].get("nodeName", "no node"), pod["status"].get("conditions", ())
        wrong = [f"{one['type']} {one.get('message', '')}" for one in conditions if one["status"] != "True"]
        going = " going" if "deletionTimestamp" in pod["metadata"] else ""
        told.append(f"pod {pod['metadata']['name']} on {where}: {pod['status']['phase']}{going} {'; '.join(wrong)}")
    for event in cluster.all("events.events.k8s.io", namespace):
        said = event.get("note", "")
        told.append(f"event {event['metadata']['creationTimestamp']} {event['regarding']['name']}: {said}")
    return "\n".join(told)


def pods(cluster: Cluster, namespace: str, service: str = "web") -> list[Json]:
    found = cluster.all("pods", namespace, f"{names.SERVICE}={service}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def split(cluster: Cluster, namespace: str, service: str = "web") -> dict[str, int]:
    """Tasks by the pool of the node that they sit on, those without one under the empty name."""
    pools = {node["metadata"]["name"]: node["metadata"]["labels"].get(POOL, "") for node in cluster.all("nodes")}
    return dict(Counter(pools.get(pod["spec"].get("nodeName"), "") for pod in pods(cluster, namespace, service)))


def uids(cluster: Cluster, namespace: str, service: str = "web") -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods(cluster, namespace, service)}
