"""What tests of requests share: a Service behind the Gateway, its tasks by revision, and who answers."""

import json
from typing import Any

from berth import names
from support import gateway
from support.cluster import Cluster
from support.gateway import inside
from support.tasks import pods
from support.waiting import eventually

Json = dict[str, Any]
URL = f"http://127.0.0.1:{gateway.PORT}/"
HOST = "shop.example.com"
PROBE = {
    "name": "web",
    "image": "berth.local/probe:1",
    "command": ["serve", "-port", "8080"],
    "portMappings": [{"containerPort": 8080, "name": "http"}],
}
BUSY = 200
"""So many requests at least must have been asked for a test to say anything."""


def balanced(**application: Any) -> list[Json]:
    application = {"gateway": "public", "hosts": [HOST], **application}
    return [{"containerName": "web", "containerPort": 8080, "application": application}]


def way_in(cluster: Cluster) -> list[str]:
    assert cluster.lab is not None
    return inside(cluster.lab)


def answered_by(cluster: Cluster, path: str, header: str = "X-Nothing: special") -> str:
    assert cluster.lab is not None
    ask = ["curl", "-sf", "-H", f"Host: {HOST}", "-H", header, f"{URL}{path[1:]}"]
    lab = cluster.lab
    return str(json.loads(eventually(lambda: lab.inside(ask, check=False).stdout, what=path))["hostname"])


def deployed(cluster: Cluster, namespace: str) -> str:
    found = cluster.get("ecssvc", "web", namespace)
    return str(found["status"].get("taskDefinition")) if found else ""


def reason(cluster: Cluster, namespace: str) -> str:
    return str(cluster.condition("ecssvc", "web", namespace).get("reason"))


def of_revision(cluster: Cluster, namespace: str, revision: str, *, ready: bool) -> list[Json]:
    """Its tasks that run, and serve already or not yet."""
    found = [one for one in pods(cluster, namespace) if one["metadata"]["annotations"][names.REVISION] == revision]
    running = [one for one in found if one["status"].get("containerStatuses", [{}])[0].get("state", {}).get("running")]
    return [one for one in running if one["status"]["containerStatuses"][0]["ready"] is ready]


def all_pods(cluster: Cluster, namespace: str) -> list[Json]:
    """Those that are stopping, too."""
    return cluster.all("pods", namespace)
