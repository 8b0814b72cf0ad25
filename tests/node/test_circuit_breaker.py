"""Deployments that fail, with containers that really end and images that are really not there."""

from typing import Any

from berth import names
from support.cluster import Cluster
from support.healthy import Healthy
from support.manifests import service, task_definition
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
GOOD = {"name": "web", "image": "berth.local/probe:1", "command": ["serve", "-port", "8080"]}
ENDS = {**GOOD, "entryPoint": ["sh", "-c", "exit 3"], "command": []}
NOT_THERE = {**GOOD, "image": "berth.local/not-there:1"}


def _breaker(*, rollback: bool, **more: Any) -> Json:
    return {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback, **more}}


def _task(*containers: Json) -> Json:
    return task_definition(containerDefinitions=list(containers), cpu="64", memory="64")


def _seen(cluster: Cluster, place: str) -> Json:
    found = cluster.get("ecssvc", "web", place)
    assert found is not None
    return found


def _condition(cluster: Cluster, place: str, kind: str) -> Json:
    found: list[Json] = [one for one in _seen(cluster, place)["status"]["conditions"] if one["type"] == kind]
    return found[0] if found else {}


def _wait_for(cluster: Cluster, place: str, reason: str, within: float = 240) -> Json:
    eventually(
        lambda: _condition(cluster, place, "Stalled").get("reason") == reason, within, f"the Service is {reason}"
    )
    return _seen(cluster, place)


def _events(cluster: Cluster, place: str) -> str:
    return "\n".join(
        one["note"] for one in cluster.all("events.events.k8s.io", place) if one["regarding"]["name"] == "web"
    )


def test_a_deployment_whose_tasks_end_is_rolled_back_and_no_good_task_stops(real: Cluster, place: str) -> None:
    real.apply(_task(GOOD), service(desiredCount=2, deploymentConfiguration=_breaker(rollback=True)), namespace=place)
    wait_ready(real, place)
    good, generation = uids(real, place), _seen(real, place)["metadata"]["generation"]
    with Healthy(real, place) as healthy:
        real.apply(_task(ENDS), namespace=place)
        back = _wait_for(real, place, "RolledBack")
        assert healthy.least >= 2
    assert uids(real, place) == good, "tasks of the completed deployment were started anew"
    assert back["metadata"]["generation"] == generation, "the spec was touched"
    assert _condition(real, place, "Degraded")["status"] == "True"
    assert _condition(real, place, "Ready")["status"] == "False"
    assert "container web, exit code 3" in _condition(real, place, "Ready")["message"]
    first, second = back["status"]["deployments"]
    assert (first["id"], first["status"], first["rolloutState"]) == ("web-deployment-1", "PRIMARY", "COMPLETED")
    assert (second["id"], second["status"], second["rolloutState"]) == ("web-deployment-2", "INACTIVE", "FAILED")
    assert second["failedTasks"] >= 3
    # Events follow the status that they go with.
    for told in (
        "(service web) (deployment web-deployment-2) deployment failed: tasks failed to start.",
        "(service web) rolling back to deployment web-deployment-1.",
    ):
        eventually(lambda told=told: told in _events(real, place), what=f"an event tells: {told}")
    real.apply(_task({**GOOD, "environment": [{"name": "RELEASE", "value": "3"}]}), namespace=place)
    eventually(lambda: _seen(real, place)["status"]["taskDefinition"] == "web:3", what="the correction is deployed")
    wait_ready(real, place)
    assert not _condition(real, place, "Degraded")
    assert not uids(real, place) & good


def test_without_rollback_it_stops_and_what_runs_stays(real: Cluster, place: str) -> None:
    rule = {"type": "COUNT", "value": 2}
    stops = _breaker(rollback=False, thresholdConfiguration=rule)
    real.apply(_task(GOOD), service(desiredCount=2, deploymentConfiguration=stops), namespace=place)
    wait_ready(real, place)
    good = uids(real, place)
    real.apply(_task(NOT_THERE), namespace=place)
    failed = _wait_for(real, place, "DeploymentFailed")
    assert "CannotPullContainerError" in failed["status"]["deployments"][0]["lastFailure"]
    assert good <= uids(real, place)
    eventually(lambda: real.get("deployment", "web", place)["spec"].get("paused"), what="the rollout is paused")  # type: ignore[index]
    there = uids(real, place)
    real.kubectl("scale", "ecssvc/web", "--replicas=3", "-n", place)
    eventually(lambda: _seen(real, place)["status"]["desiredCount"] == 3, what="the new count was looked at")
    assert uids(real, place) == there, "a task of a deployment that failed was started"
    assert good <= there


def test_a_deployment_is_rolled_back_by_hand_once(real: Cluster, place: str) -> None:
    _stopped_by_hand(real, place, "rollback")


def test_a_deployment_is_aborted_by_hand_once(real: Cluster, place: str) -> None:
    _stopped_by_hand(real, place, "abort")


def _stopped_by_hand(real: Cluster, place: str, request: str) -> None:
    real.apply(_task(GOOD), service(desiredCount=2), namespace=place)
    wait_ready(real, place)
    good = uids(real, place)
    real.apply(_task(NOT_THERE), namespace=place)
    eventually(lambda: len(uids(real, place)) > len(good), what="the deployment is under way")
    real.kubectl("annotate", "ecssvc/web", f"{names.STOP_DEPLOYMENT}={request}", "-n", place)
    _wait_for(real, place, "RolledBack" if request == "rollback" else "DeploymentFailed")
    answer = _seen(real, place)["status"]["stopDeployment"]
    assert (answer["request"], answer["deployment"]) == (request, "web-deployment-2")
    assert good <= uids(real, place)
    assert (uids(real, place) == good) == (request == "rollback")
    real.apply(_task({**GOOD, "environment": [{"name": "RELEASE", "value": "3"}]}), namespace=place)
    eventually(lambda: _seen(real, place)["status"]["taskDefinition"] == "web:3", what="the next one is deployed")
    wait_ready(real, place)


def test_force_new_deployment_starts_all_tasks_anew_once(real: Cluster, place: str) -> None:
    real.apply(_task(GOOD), service(desiredCount=2, forceNewDeployment="1"), namespace=place)
    wait_ready(real, place)
    before = uids(real, place)
    real.apply(service(desiredCount=2, forceNewDeployment="2"), namespace=place)
    wait_ready(real, place)
    after = uids(real, place)
    assert not before & after
    assert {pod["metadata"]["annotations"][names.REVISION] for pod in pods(real, place)} == {"web:1"}
    real.apply(service(desiredCount=2), namespace=place)
    wait_ready(real, place)
    assert uids(real, place) == after
