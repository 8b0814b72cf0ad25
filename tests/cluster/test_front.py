"""The network in front on a real API server: what a Gateway says, what a change restarts, and who has a name."""

import json
from collections.abc import Generator
from typing import Any

import pytest
import yaml

from berth.lab import Lab, LabOptions
from support.cluster import Cluster, prepared
from support.envoy_gateway import gateway, listener
from support.lab_name import lab_name
from support.manifests import service, task_definition
from support.operator import Operator
from support.tasks import uids, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
PLATFORM = {"network": {"gatewayApi": True}}


@pytest.fixture(scope="module")
def fronted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """A cluster with Envoy Gateway's judgement, and the operator with a platform file that allows routes."""
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("installs CRDs of others, so it takes a lab of its own: --cluster lab")
    home = tmp_path_factory.mktemp("front")
    (home / "platform.yaml").write_text(yaml.safe_dump(PLATFORM))
    with Lab(lab_name(), nodes="kwok:3", tie_to_parent=True, options=LabOptions(envoy_gateway=True)) as lab:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        with Operator(lab.kubeconfig, home / "berth.log", platform_file=str(home / "platform.yaml")) as running:
            running.wait_listed()
            yield cluster


@pytest.fixture
def place(fronted: Cluster, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[5:60].rstrip("-")
    fronted.create_namespace(name)
    return name


def test_a_service_is_ready_once_its_gateway_took_the_route_as_it_is(fronted: Cluster, place: str) -> None:
    fronted.apply(task_definition(), service(loadBalancers=_front("shop.example.com")), namespace=place)
    _says(fronted, place, "no Gateway has answered yet")
    fronted.apply(gateway(listener(hostname="*.example.org")), namespace=place)
    _says(fronted, place, "HTTPRoute web-web-8080: Gateway public says NoMatchingListenerHostname: ")
    fronted.apply(gateway(listener(hostname="*.example.com")), namespace=place)
    wait_ready(fronted, place)
    assert _answers(fronted, place) == {"Accepted": "True", "ResolvedRefs": "True"}
    fronted.kubectl("patch", "httproute", "web-web-8080", "-n", place, "--type=merge", "-p", _hosts("evil.example.com"))
    eventually(lambda: _hosts_of(fronted, place) == ["shop.example.com"], what="an edit by hand is put right")
    wait_ready(fronted, place)


def test_a_gateway_elsewhere_says_whose_routes_it_takes(fronted: Cluster, place: str) -> None:
    edge = f"{place}-edge"
    fronted.create_namespace(edge)
    fronted.apply(gateway(listener(), namespace=edge))
    fronted.apply(
        task_definition(), service(loadBalancers=_front("shop.example.com", f"{edge}/public")), namespace=place
    )
    _says(fronted, place, "Gateway public says NotAllowedByListeners: ")
    fronted.apply(gateway(listener(takes="All"), namespace=edge))
    wait_ready(fronted, place)


def test_a_listener_that_is_not_there_is_told(fronted: Cluster, place: str) -> None:
    fronted.apply(gateway(listener("web")), namespace=place)
    (front,) = _front("shop.example.com")
    front["application"]["listener"] = "shop"
    fronted.apply(task_definition(), service(loadBalancers=[front]), namespace=place)
    _says(fronted, place, "Gateway public says NoMatchingParent: ")
    fronted.apply(gateway(listener("web"), listener("shop", port=8080)), namespace=place)
    wait_ready(fronted, place)


def test_a_route_of_connections_needs_a_listener_of_its_port(fronted: Cluster, place: str) -> None:
    network = {"gateway": "public", "port": 9000, "protocol": "TCP"}
    fronted.apply(gateway(listener()), namespace=place)
    balancer = {"containerName": "web", "containerPort": 8080, "network": network}
    fronted.apply(task_definition(), service(loadBalancers=[balancer]), namespace=place)
    _says(fronted, place, "TCPRoute web-web-8080: Gateway public says NoMatchingParent: ")
    fronted.apply(gateway(listener(), listener("db", 9000, "TCP")), namespace=place)
    wait_ready(fronted, place)


def test_other_hosts_are_a_deployment(fronted: Cluster, place: str) -> None:
    fronted.apply(gateway(listener()), namespace=place)
    fronted.apply(task_definition(), service(loadBalancers=_front("old.example.com")), namespace=place)
    wait_ready(fronted, place)
    before = uids(fronted, place)
    fronted.apply(service(loadBalancers=_front("new.example.com")), namespace=place)
    found = wait_ready(fronted, place)
    shown = [(one["id"], one["status"], one["rolloutState"]) for one in found["status"]["deployments"]]
    assert shown == [("web-deployment-2", "PRIMARY", "COMPLETED"), ("web-deployment-1", "INACTIVE", "COMPLETED")]
    assert _hosts_of(fronted, place) == ["new.example.com"]
    # As on ECS: whatever starts a deployment replaces its tasks.
    assert not uids(fronted, place) & before
    fronted.apply(service(loadBalancers=[]), namespace=place)
    eventually(lambda: fronted.all("httproutes", place) == [], what="the route is gone")
    wait_ready(fronted, place)


def test_of_two_services_with_one_alias_the_second_says_so(fronted: Cluster, place: str) -> None:
    connect = {"enabled": True, "services": [{"portName": "http", "clientAliases": [{"port": 80, "dnsName": "shop"}]}]}
    fronted.apply(task_definition(), service(serviceConnectConfiguration=connect), namespace=place)
    wait_ready(fronted, place)
    fronted.apply(service("second", serviceConnectConfiguration=connect), namespace=place)
    said = eventually(lambda: _message(fronted, place, "second", "NotOwned"), what="the second Service says so")
    assert said.startswith("Service/shop exists and is not this Service's")
    fronted.delete("ecssvc", "web", place)
    wait_ready(fronted, place, "second")


def _front(host: str, gateway_name: str = "public") -> list[Json]:
    return [{"containerName": "web", "containerPort": 8080, "application": {"gateway": gateway_name, "hosts": [host]}}]


def _hosts(*hosts: str) -> str:
    return json.dumps({"spec": {"hostnames": hosts}})


def _hosts_of(cluster: Cluster, namespace: str) -> list[str]:
    found = cluster.get("httproute", "web-web-8080", namespace)
    return list(found["spec"]["hostnames"]) if found else []


def _message(cluster: Cluster, namespace: str, name: str, reason: str) -> str:
    condition = cluster.condition("ecssvc", name, namespace)
    return str(condition["message"]) if condition.get("reason") == reason else ""


def _says(cluster: Cluster, namespace: str, sentence: str) -> None:
    eventually(lambda: sentence in _message(cluster, namespace, "web", "RouteNotAccepted"), 120, f"it says: {sentence}")


def _answers(cluster: Cluster, namespace: str) -> dict[str, str]:
    """What the Gateway's controller says of the route, as far as Gateway API asks it to."""
    found = cluster.get("httproute", "web-web-8080", namespace)
    assert found is not None
    (parent,) = found["status"]["parents"]
    said = {one["type"]: one["status"] for one in parent["conditions"]}
    return {kind: said.get(kind, "") for kind in ("Accepted", "ResolvedRefs")}
