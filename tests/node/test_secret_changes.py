"""A Secret that changes under real tasks: the new value arrives, a value that breaks them is stopped."""

import json
from collections.abc import Generator
from typing import Any

import pytest

from berth.lab import Lab
from support.cluster import Cluster, prepared
from support.healthy import Healthy
from support.lab_name import lab_name
from support.manifests import service, task_definition
from support.operator import Operator
from support.real_pods import require_real_pods
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
CONTAINER: Json = {
    "name": "web",
    "image": "berth.local/probe:1",
    "entryPoint": ["sh", "-c", 'if [ "$PASSWORD" = wrong ]; then exit 3; fi; exec /probe serve -port 8080'],
    "portMappings": [{"containerPort": 8080, "name": "http"}],
    "secrets": [{"name": "PASSWORD", "valueFrom": "secret:db/password"}],
}


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """Real pods, and an operator that looks at Secrets every other second."""
    require_real_pods()
    settings = {"healthy_seconds": "3", "sweep_seconds": "2", "secret_rest_seconds": "1"}
    with Lab(lab_name(), nodes="real", tie_to_parent=True) as lab:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        with Operator(lab.kubeconfig, tmp_path_factory.mktemp("operator") / "berth.log", **settings) as running:
            running.wait_listed()
            cluster.create_namespace("shop")
            yield cluster


def test_a_new_value_arrives_and_one_that_breaks_tasks_is_stopped(looking: Cluster) -> None:
    _write(looking, "first")
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    wish = service(desiredCount=2, onSecretChange="Redeploy", deploymentConfiguration=breaker)
    looking.apply(task_definition(containerDefinitions=[CONTAINER], cpu="64", memory="64"), wish, namespace="shop")
    wait_ready(looking, "shop")
    assert _values(looking) == {"first"}
    with Healthy(looking, "shop") as healthy:
        _write(looking, "second")
        eventually(lambda: _newest(looking) == ("web-deployment-2", "COMPLETED"), 240, "the change is deployed")
        assert _values(looking) == {"second"}
        good = uids(looking, "shop")
        _write(looking, "wrong")
        eventually(lambda: looking.condition("ecssvc", "web", "shop")["reason"] == "RolledBack", 240, "it is stopped")
        assert uids(looking, "shop") == good
        assert _values(looking) == {"second"}, "tasks that run keep what they started with"
        _write(looking, "third")
        eventually(lambda: _newest(looking) == ("web-deployment-4", "COMPLETED"), 240, "the correction is deployed")
        assert healthy.least >= 2
    assert _values(looking) == {"third"}
    assert not looking.condition("ecssvc", "web", "shop", "Degraded")


def _write(cluster: Cluster, value: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": value}}
    cluster.apply(secret, namespace="shop")


def _newest(cluster: Cluster) -> tuple[str, str]:
    found = cluster.get("ecssvc", "web", "shop") or {}
    entry = found["status"]["deployments"][0]
    return entry["id"], entry["rolloutState"]


def _values(cluster: Cluster) -> set[str]:
    """What each task has in its environment."""
    lab = cluster.lab
    assert lab is not None
    addresses = [pod["status"]["podIP"] for pod in pods(cluster, "shop")]
    ask = [["curl", "-sf", "--max-time", "5", f"http://{address}:8080/"] for address in addresses]
    answers = [eventually(lambda one=one: lab.inside(one, check=False).stdout, what="it answers") for one in ask]  # type: ignore[misc]
    return {str(json.loads(one)["env"]["PASSWORD"]) for one in answers}
