"""Secrets that change under Services, by the rights of each way to install: what is deployed, asked and answered."""

import json
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from berth.lab import Lab
from berth.plan import secret_change
from berth.plan.moment import written
from support import audit
from support.cluster import ROOT, Cluster
from support.installed import SYSTEM, WAYS, Choices, installed
from support.manifests import service, task_definition
from support.operator import Operator
from support.overhearing import overhearing
from support.waiting import eventually

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
QUICK = {"sweep_seconds": "1", "secret_rest_seconds": "6"}
"""A machine with much to do needs seconds between two writes that belong together."""
VALUES = [f"the-value-{number}-of-a-secret" for number in range(5)]
CHOICES = Choices(options="secret-changes.yaml", values={"rbac.secretChanges": True})
CONTAINER: Json = {
    "name": "web",
    "image": "shop/web:1",
    "secrets": [{"name": "PASSWORD", "valueFrom": "secret:db/password"}],
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How Berth is installed."""
    return str(request.param)


@pytest.fixture
def lab(request: pytest.FixtureRequest, way: str) -> Generator[Lab]:
    """A cluster with Berth installed, and the right to look."""
    with installed(request, way, CHOICES) as found:
        yield found


def test_each_change_is_one_deployment_and_no_value_is_asked_for(lab: Lab, way: str, tmp_path: Path) -> None:
    cluster = Cluster(lab.kubeconfig, lab)
    account = lab.kubeconfig_for_service_account(SYSTEM, "berth")
    namespaces = CHOICES.watched(way)
    _write(cluster, VALUES[0])
    with (
        overhearing(account, tmp_path) as heard,
        Operator(heard.kubeconfig, tmp_path / "berth.log", namespaces=namespaces, **QUICK) as operator,
    ):
        operator.wait_listed()
        definition = task_definition(containerDefinitions=[CONTAINER])
        cluster.apply(definition, service(desiredCount=2, onSecretChange="Redeploy"), namespace="shop")
        cluster.apply(service("other", desiredCount=1), namespace="shop")
        _steady(cluster, 1)
        eventually(lambda: _reason(cluster, "other") == "SteadyState", what="the one that ignores Secrets runs")
        # Several changes within a short time are one.
        for value in VALUES[1:4]:
            _write(cluster, value)
        _steady(cluster, 2)
        assert _entry(cluster)["reason"] == "Secret db has changed"
        # An event follows the status that it goes with.
        told = eventually(lambda: _told(cluster), what="an event tells it")
        assert told == ["(service web) has started deployment web-deployment-2: Secret db has changed."]
        cluster.kubectl("-n", "shop", "label", "secret", "db", "owned=by-somebody")
        quiet = audit.offset(lab.audit_log)
        looks = len(heard.exchanges)
        eventually(lambda: len(heard.exchanges) > looks + 5, 60, what="it has looked again, at rest")
        assert audit.writes(audit.requests(lab.audit_log, quiet)) == {}
        _steady(cluster, 2)
        operator.stop()
        _write(cluster, VALUES[4])
        operator.start()
        _steady(cluster, 3)
        assert _entry(cluster, "other")["id"] == "other-deployment-1"
    assert {(one.verb, one.path) for one in heard.exchanges} == {("GET", "/api/v1/namespaces/shop/secrets/db")}
    assert {json.loads(one.answer)["kind"] for one in heard.exchanges} == {"PartialObjectMetadata"}
    answers = "".join(one.answer for one in heard.exchanges)
    everything = answers + operator.log.read_text() + lab.audit_log.read_text()
    assert not any(value in everything for value in VALUES)
    assert '"data"' not in answers
    mine = f"system:serviceaccount:{SYSTEM}:berth"
    requests = [one for one in audit.requests(lab.audit_log) if one.user == mine]
    assert {(one.verb, one.name) for one in requests if one.resource in {"secrets", "configmaps"}} == {("get", "db")}
    assert [one for one in requests if one.code == 403] == []


def test_without_the_right_it_says_so_and_runs_on_until_it_is_given(own_lab: Cluster, tmp_path: Path) -> None:
    own_lab.create_namespace("shop")
    _write(own_lab, VALUES[0])
    lab = own_lab.lab
    assert lab is not None
    lab.kubectl("apply", "--server-side", "-k", str(ROOT / "deploy"))
    account = lab.kubeconfig_for_service_account(SYSTEM, "berth")
    with Operator(account, tmp_path / "berth.log", **QUICK) as operator:
        operator.wait_listed()
        definition = task_definition(containerDefinitions=[CONTAINER])
        own_lab.apply(definition, service(desiredCount=2, onSecretChange="Redeploy"), namespace="shop")
        _steady(own_lab, 1)
        said = eventually(lambda: own_lab.condition("ecssvc", "web", "shop", "SecretsWatched"), what="it says so")
        assert (said["status"], said["reason"]) == ("False", "Forbidden")
        assert "Secret db" in said["message"]
        own_lab.kubectl(
            *("-n", "shop", "create", "role", "look", "--verb=get", "--resource=secrets", "--resource-name=db")
        )
        own_lab.kubectl(
            *("-n", "shop", "create", "rolebinding", "look", "--role=look", f"--serviceaccount={SYSTEM}:berth")
        )
        eventually(lambda: not own_lab.condition("ecssvc", "web", "shop", "SecretsWatched"), what="it can see")
        _write(own_lab, VALUES[1])
        _steady(own_lab, 2)
        own_lab.delete("secret", "db", "shop")
        _write(own_lab, VALUES[2])
        _steady(own_lab, 3)


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_the_api_server_says_when_content_changed_whoever_wrote_it(own_lab: Cluster, kind: str) -> None:
    """What our reading of managedFields stands on."""
    namespace = f"written-{kind.lower()}"
    own_lab.create_namespace(namespace)
    field = "stringData" if kind == "Secret" else "data"

    def seen() -> Json:
        shown = own_lab.kubectl("-n", namespace, "get", kind, "db", "-o", "json", "--show-managed-fields").stdout
        return secret_change.keep(json.loads(shown))

    def write(verb: str, value: str) -> None:
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "db"}, field: {"key": value}}
        own_lab.kubectl("-n", namespace, *verb.split(), "-f", "-", stdin=json.dumps(body))

    write("create", "0")
    for number, verb in enumerate(("apply", "apply --server-side --force-conflicts", "replace", "apply"), 1):
        before = seen()["changed"]
        eventually(lambda before=before: written(datetime.now(UTC)) > before, what="the next second")  # type: ignore[misc]
        write(verb, str(number))
        assert seen()["changed"] > before, verb
    before = seen()
    eventually(lambda: written(datetime.now(UTC)) > before["changed"], what="the next second")
    own_lab.kubectl("-n", namespace, "label", kind, "db", "a=label")
    own_lab.kubectl("-n", namespace, "annotate", kind, "db", "an=annotation")
    assert seen() == before


def _write(cluster: Cluster, value: str) -> None:
    """In a later second than that in which the newest deployment started: what changes in that one is part of it."""
    records = cluster.all("controllerrevisions.apps", "shop")
    started = max((one["metadata"]["creationTimestamp"] for one in records), default="")
    eventually(lambda: written(datetime.now(UTC)) > started, what="the next second")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": value}}
    cluster.apply(secret, namespace="shop")


def _steady(cluster: Cluster, number: int) -> None:
    name = f"web-deployment-{number}"

    def completed() -> bool:
        newest = _entry(cluster)
        return _reason(cluster, "web") == "SteadyState" and newest["id"] == name and "finishedAt" in newest

    eventually(completed, 180, what=f"{name} has completed")


def _told(cluster: Cluster) -> list[str]:
    return [one["note"] for one in cluster.all("events.events.k8s.io", "shop") if one["reason"] == "SecretChanged"]


def _entry(cluster: Cluster, name: str = "web") -> Json:
    found = cluster.get("ecssvc", name, "shop") or {}
    nothing: Json = {"id": ""}
    return next(iter(found.get("status", {}).get("deployments") or ()), nothing)


def _reason(cluster: Cluster, name: str) -> str:
    return str(cluster.condition("ecssvc", name, "shop").get("reason"))
