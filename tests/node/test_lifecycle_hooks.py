"""Migrations that really run: once, before the first new task, and in the way of a deployment when they fail."""

from typing import Any

from berth import names
from support.cluster import Cluster
from support.healthy import Healthy
from support.manifests import service, task_definition
from support.tasks import pods, uids, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
SERVES = {
    "name": "web",
    "image": "berth.local/probe:1",
    "command": ["serve", "-port", "8080"],
    "portMappings": [{"containerPort": 8080, "name": "http"}],
    "healthCheck": {"command": ["CMD", "/probe", "get", "http://127.0.0.1:8080/healthz"], "interval": 5},
}
DONE = [("PRE_SCALE_UP", "SUCCEEDED")]


def _task(release: int, **container: Any) -> Json:
    served = {**SERVES, "environment": [{"name": "RELEASE", "value": str(release)}], **container}
    return task_definition(containerDefinitions=[served], cpu="64", memory="64")


def _migrates(*command: str, stage: str = "PRE_SCALE_UP", count: int = 2, **hook: Any) -> Json:
    overrides = {"containerOverrides": [{"name": "web", "command": ["run", *command]}]}
    hooks = [{"name": "migrate", "lifecycleStages": [stage], "overrides": overrides, **hook}]
    return service(desiredCount=count, deploymentConfiguration={"lifecycleHooks": hooks})


def _seen(real: Cluster, place: str) -> Json:
    found = real.get("ecssvc", "web", place)
    assert found is not None
    return found


def _hooks(real: Cluster, place: str, number: int) -> list[tuple[str, str]]:
    shown = _seen(real, place)["status"].get("deployments", [])
    mine = [one for one in shown if one["id"] == f"web-deployment-{number}"]
    found = [detail for one in mine for detail in one.get("lifecycleHookDetails", [])]
    return [(one["lifecycleStage"], one["status"]) for one in found]


def _runs(real: Cluster, place: str) -> list[Json]:
    """The tasks of the Service's hooks."""
    return real.all("pods", place, f"{names.HOOK}=web")


def _addresses(real: Cluster, place: str) -> list[str]:
    """The tasks that requests lead to, as the API server's controller has it, a moment after they serve."""
    slices = real.all("endpointslices", place)
    return [one["targetRef"]["name"] for part in slices for one in part.get("endpoints") or ()]


def _reason(real: Cluster, place: str) -> Json:
    return next(one for one in _seen(real, place)["status"]["conditions"] if one["type"] == "Ready")


def test_a_migration_runs_once_before_the_first_task_and_gets_no_requests(real: Cluster, place: str) -> None:
    real.apply(_task(1), _migrates("-say", "migrated", "-sleep", "5s"), namespace=place)

    def migrated() -> bool:
        started, seen = uids(real, place), _hooks(real, place, 1)
        assert not started or seen == DONE, "a task was started before the migration had ended"
        return seen == DONE

    eventually(migrated, 240, "the migration")
    wait_ready(real, place)
    [run] = _runs(real, place)
    job = "web-deployment-1-migrate-pre-scale-up"
    assert real.kubectl("logs", f"job/{job}", "-n", place).stdout.strip() == "migrated"
    assert names.SERVICE not in run["metadata"]["labels"]
    addresses = eventually(lambda: (found := _addresses(real, place)) and len(found) == 2 and found, what="addresses")
    assert run["metadata"]["name"] not in addresses
    real.kubectl("delete", "job", job, "-n", place)
    real.kubectl("scale", "ecssvc/web", "--replicas=3", "-n", place)
    eventually(lambda: len(uids(real, place)) == 3, what="it scales as ever")
    wait_ready(real, place)
    assert not _runs(real, place), "a migration that had run was run again"
    assert real.get("job", job, place) is None


def test_a_migration_that_fails_ends_the_deployment_and_the_old_tasks_stay(real: Cluster, place: str) -> None:
    real.apply(_task(1), service(desiredCount=2), namespace=place)
    wait_ready(real, place)
    old = uids(real, place)
    with Healthy(real, place) as healthy:
        real.apply(_task(2), _migrates("-sleep", "1s", "-exit", "3"), namespace=place)
        eventually(lambda: _reason(real, place)["reason"] == "RolledBack", 240, "the deployment has failed")
        assert healthy.least >= 2
    assert uids(real, place) == old
    said = _reason(real, place)["message"]
    assert "PRE_SCALE_UP: hook migrate failed" in said
    assert "container web, exit code 3" in said
    assert _hooks(real, place, 2) == [("PRE_SCALE_UP", "FAILED")]
    assert len(_runs(real, place)) == 1
    # Corrected, it is another deployment, whose migration runs once more.
    real.apply(_task(3), _migrates("-exit", "0"), namespace=place)
    eventually(lambda: _hooks(real, place, 3) == DONE, 240, "the next migration")
    wait_ready(real, place)
    assert _seen(real, place)["status"]["taskDefinition"] == "web:3"
    assert not uids(real, place) & old


def test_a_migration_that_cannot_start_gives_way_to_the_next_deployment(real: Cluster, place: str) -> None:
    real.apply(_task(1), service(desiredCount=1), namespace=place)
    wait_ready(real, place)
    real.apply(_task(2, image="berth.local/not-there:1"), _migrates("-exit", "0", count=1), namespace=place)
    eventually(lambda: "CannotPullContainerError" in _reason(real, place)["message"], 240, "it says what it waits for")
    real.apply(_task(3), namespace=place)
    eventually(lambda: _hooks(real, place, 3) == DONE, 240, "the next migration")
    wait_ready(real, place)
    eventually(lambda: len(_runs(real, place)) == 1, what="the one that never started is gone")


def test_a_check_after_all_tasks_are_healthy_undoes_the_deployment(real: Cluster, place: str) -> None:
    real.apply(_task(1), service(desiredCount=1), namespace=place)
    wait_ready(real, place)
    real.apply(_task(2), _migrates("-exit", "7", stage="POST_SCALE_UP", count=1), namespace=place)
    eventually(lambda: _reason(real, place)["reason"] == "RolledBack", 240, "the deployment was undone")
    assert "POST_SCALE_UP: hook migrate failed" in _reason(real, place)["message"]
    environment = [pod["spec"]["containers"][0]["env"] for pod in pods(real, place)]
    assert {one["value"] for part in environment for one in part if one["name"] == "RELEASE"} == {"1"}
    assert len(_runs(real, place)) == 1, "the deployment that came back ran no hook"
