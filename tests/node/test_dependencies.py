"""What containers of a real task see of one another: order at the start, and at the end time to stop."""

import subprocess
from datetime import datetime
from typing import Any

from berth.lab import tool
from support.cluster import Cluster
from support.manifests import service, task_definition
from support.tasks import pods, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
IMAGE = "berth.local/probe:1"


def test_containers_start_in_the_order_that_depends_on_asks_for(real: Cluster, place: str) -> None:
    health = {"command": ["CMD", "/probe", "get", "http://localhost:8081/healthz"], "interval": 5}
    waits = [("setup", "SUCCESS"), ("warm", "COMPLETE"), ("cache", "HEALTHY"), ("agent", "START")]
    task: list[Json] = [
        {**_serves("web", 8080), "dependsOn": [{"containerName": name, "condition": how} for name, how in waits]},
        {**_runs("setup", "-sleep", "2s"), "dependsOn": [{"containerName": "warm", "condition": "COMPLETE"}]},
        {**_runs("warm", "-sleep", "2s", "-exit", "3"), "entryPoint": ["/probe"]},
        {**_serves("cache", 8081, "-ready-after", "6s"), "healthCheck": health},
        _serves("agent", 8082),
    ]
    real.apply(task_definition(containerDefinitions=task), service(), namespace=place)
    wait_ready(real, place, within=120)
    said = {one["name"]: _first_words(real, place, one["name"]) for one in task}
    assert (said["setup"] - said["warm"]).total_seconds() > 2, "setup began when warm had ended, whatever its code"
    assert (said["web"] - said["setup"]).total_seconds() > 2, "web began when setup had succeeded"
    assert (said["web"] - said["cache"]).total_seconds() > 5, "web began when cache was healthy"
    assert said["web"] > said["agent"], "web began when agent ran"


def test_nobody_goes_on_without_the_success_that_it_waits_for(real: Cluster, place: str) -> None:
    task: list[Json] = [
        {**_serves("web", 8080), "dependsOn": [{"containerName": "setup", "condition": "SUCCESS"}]},
        _runs("setup", "-exit", "1"),
    ]
    real.apply(task_definition(containerDefinitions=task), service(), namespace=place)
    eventually(lambda: _status(real, place, "setup").get("restartCount"), what="setup is run again")
    assert not _status(real, place, "web").get("started")


def test_an_essential_container_that_stops_takes_the_whole_task_with_it(real: Cluster, place: str) -> None:
    """As far as the cluster can: its containers start anew in the same pod, in the order that dependsOn asks for."""
    task = [
        {**_serves("web", 8080), "dependsOn": [{"containerName": "setup", "condition": "SUCCESS"}]},
        _serves("side", 8081),
        _runs("setup"),
    ]
    real.apply(task_definition(containerDefinitions=task), service(), namespace=place)
    wait_ready(real, place)
    _exec(real, place, "/probe", "get", "http://localhost:8080/exit?code=0")
    for name in ("web", "side", "setup"):
        eventually(lambda name=name: _status(real, place, name).get("restartCount"), what=f"{name} is started again")
    wait_ready(real, place)


def test_a_task_has_its_stop_timeout_from_sigterm_to_sigkill(real: Cluster, place: str) -> None:
    task: list[Json] = [
        {**_serves("web", 8080, "-ignore-term"), "stopTimeout": 4},
        {**_serves("side", 8081, "-stop-after", "1s"), "stopTimeout": 2},
    ]
    real.apply(task_definition(containerDefinitions=task), service(), namespace=place)
    wait_ready(real, place)
    (pod,) = pods(real, place)
    name = pod["metadata"]["name"]
    logs = {container: _following(real, place, name, container) for container in ("web", "side")}
    for one in logs.values():
        assert one.stdout is not None
        assert one.stdout.readline(), "it follows: who comes when the pod is going may find no log any more"
    began = datetime.now().astimezone()
    real.kubectl("delete", "pod", name, "-n", place, "--timeout=120s")
    took = (datetime.now().astimezone() - began).total_seconds()
    said = {container: process.communicate(timeout=60)[0] for container, process in logs.items()}
    assert 4 <= took < 25, "killed after its own time, not after Kubernetes' 30 seconds"
    assert "received terminated" in said["web"]
    assert "stopped" not in said["web"]
    assert "stopped" in said["side"]


def _serves(name: str, port: int, *flags: str) -> Json:
    return {"name": name, "image": IMAGE, "command": ["serve", "-port", str(port), *flags]}


def _runs(name: str, *flags: str) -> Json:
    return {"name": name, "image": IMAGE, "essential": False, "command": ["run", "-say", f"{name} runs", *flags]}


def _first_words(cluster: Cluster, namespace: str, container: str) -> datetime:
    """When a container's log begins, to the nanosecond that the kubelet noted."""
    (pod,) = pods(cluster, namespace)
    log = cluster.kubectl("logs", pod["metadata"]["name"], "-c", container, "-n", namespace, "--timestamps").stdout
    moment = log.split(" ", 1)[0]
    return datetime.fromisoformat(moment[:26] + "+00:00")


def _status(cluster: Cluster, namespace: str, container: str) -> Json:
    nothing: Json = {}
    found = [
        one
        for pod in pods(cluster, namespace)
        for part in ("initContainerStatuses", "containerStatuses")
        for one in pod["status"].get(part, [])
        if one["name"] == container
    ]
    return found[0] if found else nothing


def _exec(cluster: Cluster, namespace: str, *command: str) -> None:
    """Run a program in the task's first container; it may take the container with it."""
    (pod,) = pods(cluster, namespace)
    cluster.kubectl("exec", pod["metadata"]["name"], "-c", "web", "-n", namespace, "--", *command, check=False)


def _following(cluster: Cluster, namespace: str, pod: str, container: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            str(tool("kubectl")),
            f"--kubeconfig={cluster.kubeconfig}",
            "logs",
            "-f",
            pod,
            "-c",
            container,
            "-n",
            namespace,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
