"""Kinds that not every cluster has: without them all else works, and they are noticed when they come."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.lab import Lab
from support import external_secrets, gateway_api
from support.cluster import Cluster
from support.installed import SYSTEM, WAYS, Choices, forbidden, installed
from support.manifests import service, task_definition
from support.operator import Operator
from support.waiting import eventually

pytestmark = pytest.mark.cluster

KINDS_CHANGED = 4
PLATFORM: dict[str, Any] = {
    "secrets": {"stores": [{"service": "ParameterStore", "kind": "ClusterSecretStore", "name": "aws"}]},
    "taskRoles": {"irsa": True},
    "network": {"gatewayApi": True, "ingressClasses": {"nginx": {}}},
}
CHOICES = Choices(options="", values={"platform": PLATFORM})
FRONTS = {
    name: [{"containerName": "web", "containerPort": 8080, "application": {way: name}}]
    for name, way in (("public", "gateway"), ("nginx", "ingressClass"))
}
CONTAINER = {"name": "web", "image": "shop/web:1", "secrets": [{"name": "KEY", "valueFrom": "/shop/key"}]}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How Berth is installed."""
    return str(request.param)


@pytest.fixture
def lab(request: pytest.FixtureRequest, way: str) -> Generator[Lab]:
    """A cluster with Berth and its options installed, and without External Secrets."""
    with installed(request, way, CHOICES) as found:
        yield found


def test_the_operator_starts_without_them_and_takes_them_up(lab: Lab, way: str, tmp_path: Path) -> None:
    cluster = Cluster(lab.kubeconfig, lab)
    file = tmp_path / "platform.yaml"
    file.write_text(yaml.safe_dump(PLATFORM))
    namespaces = CHOICES.watched(way)
    account = lab.kubeconfig_for_service_account(SYSTEM, "berth")
    settings = {"platform_file": str(file), "sweep_seconds": "1", "leader_election": "true", "namespaces": namespaces}
    operator = Operator(account, tmp_path / "berth.log", **settings)
    role = "arn:aws:iam::111122223333:role/reports"
    with operator:
        operator.wait_listed()
        cluster.apply(
            task_definition(containerDefinitions=[CONTAINER]),
            service(),
            task_definition("roles", taskRoleArn=role),
            service("roles", taskDefinition="roles"),
            *(service(name, taskDefinition="roles", loadBalancers=front) for name, front in FRONTS.items()),
            namespace="shop",
        )
        eventually(lambda: _reason(cluster, "web") == "ExternalSecretsMissing", what="the Service says what is missing")
        eventually(lambda: _reason(cluster, "public") == "GatewayApiMissing", what="as does the one with a Gateway")
        eventually(lambda: _reason(cluster, "roles") == "SteadyState", what="all others go on")
        eventually(lambda: _reason(cluster, "nginx") == "SteadyState", what="an Ingress needs no kinds of others")
        assert [one["metadata"]["name"] for one in cluster.all("ingresses", "shop")] == ["nginx-web-8080"]
        external_secrets.install(cluster)
        gateway_api.install(cluster)
        eventually(lambda: not operator.running, what="the process ends, to be started anew")
    assert operator.code == KINDS_CHANGED
    with operator:
        operator.wait_listed(2)
        eventually(lambda: _reason(cluster, "web") == "SteadyState", 120, what="the Service is deployed")
        (made,) = cluster.all("externalsecrets.external-secrets.io", "shop")
        assert made["metadata"]["name"] == "web-1-secrets"
        eventually(lambda: _reason(cluster, "public") == "RouteNotAccepted", what="the route waits for a Gateway")
        (route,) = cluster.all("httproutes", "shop")
        assert route["metadata"]["name"] == "public-web-8080"
    assert forbidden(lab) == []


def _reason(cluster: Cluster, name: str) -> str:
    return str(cluster.condition("ecssvc", name, "shop").get("reason"))
