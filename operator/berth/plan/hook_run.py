"""What the cluster shows of the Jobs of lifecycle hooks: whether they have begun, what keeps them, how they ended."""

from collections.abc import Iterator

from berth.plan import hook_pod
from berth.plan.failed_tasks import end_of_a_run
from berth.plan.outcome import Json
from berth.plan.pod_record import FOR_A_NODE
from berth.plan.world import World
from berth.resources import JOB, POD


def live_jobs(world: World) -> dict[str, Json]:
    """By name."""
    return {one["metadata"]["name"]: one for one in world.children(JOB)}


def end_of(job: Json) -> Json:
    """The condition that ended it; empty while it goes on."""
    none: Json = {}
    ends = (one for one in job["status"]["conditions"] if one["type"] in {"Complete", "Failed"})
    return next((one for one in ends if one["status"] == "True"), none)


def has_started(world: World, job: str) -> bool:
    """Whether any of its containers has run."""
    return any(pod["status"].get("started") for pod in _pods(world, job))


def waits_for(world: World, job: str) -> str:
    """What keeps its task from starting; empty when nothing does."""
    for pod in _pods(world, job):
        if waiting := pod["status"].get("trouble", {}).get("waiting"):
            return f"container {waiting['container']}: {waiting['kind']}: {waiting['message']}"
        if any(one.get("reason") == FOR_A_NODE for one in pod["status"]["conditions"]):
            return "no node has room for its task"
    return ""


def why(world: World, job: str, end: Json) -> str:
    """How its task failed, or what Kubernetes says of the Job where the task is gone."""
    for pod in _pods(world, job):
        if ended := pod["status"].get("ended"):
            return end_of_a_run(ended)
        failed: Json = pod["status"].get("trouble", {}).get("failed", {})
        if said := ": ".join(filter(None, (failed.get("reason"), failed.get("message")))):
            return f"the task failed: {said}"
    return str(end.get("message") or end["reason"])


def _pods(world: World, job: str) -> Iterator[Json]:
    for pod in world.group(POD, f"{hook_pod.PREFIX}{world.name}"):
        owners: list[Json] = pod["metadata"].get("ownerReferences", [])
        if any(one["kind"] == JOB.kind and one["name"] == job for one in owners):
            yield pod
