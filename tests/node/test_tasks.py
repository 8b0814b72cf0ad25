"""What a container and a request feel: environment, address, health checks, scaling."""

import json
from pathlib import Path
from typing import Any

from support.cluster import Cluster
from support.manifests import service, task_definition
from support.tasks import pods, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
PROBE = {
    "name": "web",
    "image": "berth.local/probe:1",
    "command": ["serve", "-port", "8080"],
    "portMappings": [{"containerPort": 8080, "name": "http"}],
}


def test_a_request_reaches_every_task_through_the_services_address(real: Cluster, place: str) -> None:
    container = {**PROBE, "environment": [{"name": "GREETING", "value": "literally $(HOSTNAME)"}]}
    real.apply(task_definition(containerDefinitions=[container]), service(desiredCount=2), namespace=place)
    wait_ready(real, place)
    names = {pod["metadata"]["name"] for pod in pods(real, place)}
    assert len(names) == 2
    seen: set[str] = set()

    def all_answered() -> bool:
        answer = _get(real, _address(real, place))
        assert _environment(answer)["GREETING"] == "literally $(HOSTNAME)"
        seen.add(answer["hostname"])
        return seen == names

    eventually(all_answered, what="both tasks answered")


def test_a_task_whose_health_check_fails_is_restarted(real: Cluster, place: str) -> None:
    check = {"command": ["CMD", "/probe", "get", "http://localhost:8080/healthz"], "interval": 5, "retries": 1}
    real.apply(task_definition(containerDefinitions=[{**PROBE, "healthCheck": check}]), service(), namespace=place)
    wait_ready(real, place)
    assert real.lab is not None
    _get(real, _address(real, place))
    real.lab.inside(["curl", "-sf", "-X", "POST", f"http://{_address(real, place)}/fail"])
    eventually(lambda: _restarts(real, place) > 0, what="the container was restarted")
    wait_ready(real, place)


def test_a_new_revision_replaces_real_tasks(real: Cluster, place: str) -> None:
    real.apply(task_definition(containerDefinitions=[PROBE]), service(desiredCount=2), namespace=place)
    wait_ready(real, place)
    newer = {**PROBE, "environment": [{"name": "RELEASE", "value": "2"}]}
    real.apply(task_definition(containerDefinitions=[newer]), namespace=place)
    eventually(lambda: _revision(real, place) == "web:2", what="the newest revision is deployed")
    wait_ready(real, place)
    # kube-proxy may lead to one that is stopping for a moment yet.
    eventually(lambda: _environment(_get(real, _address(real, place))).get("RELEASE") == "2", what="a new one answers")


def test_an_init_process_is_before_the_only_container(real: Cluster, place: str) -> None:
    real.apply(task_definition(containerDefinitions=[PROBE]), service(), namespace=place)
    wait_ready(real, place)
    (pod,) = pods(real, place)
    assert _own_number(pod["metadata"]["name"]) == 1
    container = {**PROBE, "linuxParameters": {"initProcessEnabled": True}}
    real.apply(task_definition(containerDefinitions=[container]), namespace=place)
    eventually(lambda: _revision(real, place) == "web:2", what="the newest revision is deployed")
    wait_ready(real, place)
    (pod,) = (one for one in pods(real, place) if "deletionTimestamp" not in one["metadata"])
    assert _own_number(pod["metadata"]["name"]) > 1


def test_a_task_has_no_credentials_of_the_cluster(real: Cluster, place: str) -> None:
    real.apply(task_definition(containerDefinitions=[PROBE]), service(), namespace=place)
    wait_ready(real, place)
    environment = _environment(_get(real, _address(real, place)))
    assert not [name for name in environment if name.startswith("WEB_SERVICE")]
    volumes = [volume for pod in pods(real, place) for volume in pod["spec"].get("volumes", [])]
    assert volumes == []


def _address(cluster: Cluster, namespace: str) -> str:
    found = cluster.get("svc", "web", namespace)
    assert found is not None
    return f"{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"


def _get(cluster: Cluster, address: str) -> Json:
    """The answer of one task; kube-proxy may learn of an address a moment after the Service is Ready."""
    lab = cluster.lab
    assert lab is not None
    ask = ["curl", "-sf", "--max-time", "5", f"http://{address}/"]
    return dict(json.loads(eventually(lambda: lab.inside(ask, check=False).stdout, what=f"{address} answers")))


def _environment(answer: Json) -> dict[str, str]:
    return dict(answer["env"])


def _restarts(cluster: Cluster, namespace: str) -> int:
    statuses = [one for pod in pods(cluster, namespace) for one in pod["status"].get("containerStatuses", [])]
    return sum(int(one["restartCount"]) for one in statuses)


def _revision(cluster: Cluster, namespace: str) -> str:
    found = cluster.get("ecssvc", "web", namespace)
    return str(found["status"].get("taskDefinition")) if found else ""


def _own_number(pod: str) -> int:
    """The number of a pod's process in its own namespace, as the node's kernel knows it."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOSTNAME={pod}" in (folder / "environ").read_text(errors="replace").split("\0"):
                status = (folder / "status").read_text()
                return int(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1])
        except OSError:
            # It ended while we looked.
            continue
    raise AssertionError(f"no process of {pod} on this machine")
