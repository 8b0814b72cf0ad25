"""Alarms, with Prometheus and Alertmanager as they are: an alert that fires in the bake undoes the deployment."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.alarm_adapters import Alarms
from berth.alerts import AlertReader
from berth.engine.key import Key
from berth.plan.outcome import Json
from berth.resources import ALERT as ALERTS
from support.cluster import Cluster
from support.manifests import service, task_definition
from support.operator import Operator
from support.prometheus import ALERT, Monitoring, monitoring
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

SHOP, BLOG = Key(ALERTS, "shop", ALERT), Key(ALERTS, "blog", ALERT)


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Generator[Monitoring]:
    with monitoring(tmp_path_factory.mktemp("monitoring")) as found:
        yield found


async def test_both_tell_the_same_of_an_alert_and_each_namespace_its_own(watching: Monitoring) -> None:
    servers = (Alarms(prometheus=watching.prometheus), Alarms(alertmanager=watching.alertmanager))
    readers = [AlertReader(server) for server in servers]
    for namespace in ("shop", "blog"):
        watching.calm(namespace)
    for reader in readers:
        assert await reader.read((SHOP, BLOG)) == {SHOP: {"state": "OK"}, BLOG: {"state": "OK"}}
    watching.fire("shop")
    first, second = [await reader.read((SHOP, BLOG)) for reader in readers]
    assert first == second
    assert (first[SHOP]["state"], first[BLOG]["state"]) == ("ALARM", "OK")
    watching.calm("shop")
    nobodys = Key(ALERTS, "shop", "NobodysAlert")
    assert await readers[0].read([nobodys]) == {nobodys: {"problem": "there is no alert of this name"}}


@pytest.fixture(params=["prometheus", "alertmanager"])
def operated(
    request: pytest.FixtureRequest, own_lab: Cluster, watching: Monitoring, tmp_path: Path
) -> Generator[tuple[Operator, str]]:
    """An operator that reads alerts from one of the two, and serves a namespace of its own."""
    place = f"by-{request.param}"
    own_lab.create_namespace(place)
    file = tmp_path / "platform.yaml"
    file.write_text(yaml.safe_dump({"alarms": {request.param: getattr(watching, request.param), "intervalSeconds": 1}}))
    with Operator(own_lab.kubeconfig, tmp_path / "berth.log", platform_file=str(file), namespaces=place) as operator:
        operator.wait_listed()
        yield operator, place


def _web(**configuration: Any) -> Json:
    alarms = {"alarmNames": [ALERT], "enable": True, "rollback": True}
    return service(desiredCount=2, deploymentConfiguration={"alarms": alarms, **configuration})


def _told(cluster: Cluster, place: str) -> Json:
    found = cluster.get("ecssvc", "web", place)
    assert found is not None
    ready = next(one for one in found["status"]["conditions"] if one["type"] == "Ready")
    return {**ready, "deployments": {one["id"]: one for one in found["status"].get("deployments", [])}}


def _until(cluster: Cluster, place: str, number: int, state: str) -> Json:
    """A deployment, once it has come so far."""
    name = f"web-deployment-{number}"

    def there() -> Json | None:
        found: Json = _told(cluster, place)["deployments"].get(name, {})
        return found if state in {found.get("lifecycleStage"), found.get("rolloutState")} else None

    return eventually(there, 120, f"{name} is {state}")


def test_an_alert_that_fires_in_the_bake_undoes_the_deployment(
    own_lab: Cluster, watching: Monitoring, operated: tuple[Operator, str]
) -> None:
    place = operated[1]
    watching.calm(place)
    own_lab.apply(task_definition(), _web(bakeTimeInMinutes=0), namespace=place)
    wait_ready(own_lab, place)
    old = uids(own_lab, place)
    own_lab.apply(task_definition(image="shop/web:2"), _web(bakeTimeInMinutes=1440), namespace=place)
    baking = _until(own_lab, place, 2, "BAKE_TIME")
    assert baking["alarms"] == {"status": "MONITORING", "alarmNames": [ALERT]}
    assert not uids(own_lab, place) & old
    watching.fire(place)
    eventually(lambda: _told(own_lab, place)["reason"] == "RolledBack", 120, "the deployment is undone")
    assert f"alarm detected: {ALERT}" in _told(own_lab, place)["message"]
    failed = _told(own_lab, place)["deployments"]["web-deployment-2"]
    assert failed["alarms"] == {"status": "TRIGGERED", "alarmNames": [ALERT], "triggeredAlarmNames": [ALERT]}
    images = {pod["spec"]["containers"][0]["image"] for pod in pods(own_lab, place)}
    assert images == {"shop/web:1"}
    # It still fires: the deployment that is to cure it is not looked at.
    own_lab.apply(task_definition(image="shop/web:3"), _web(bakeTimeInMinutes=0), namespace=place)
    wait_ready(own_lab, place)
    cured = _until(own_lab, place, 3, "COMPLETED")
    assert cured["alarms"]["status"] == "DISABLED"
