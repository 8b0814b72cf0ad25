"""A deployment that was stopped: what runs stays, and no further task of it is started."""

from dataclasses import replace

from berth.plan.outcome import Child
from berth.plan.tasks import Tasks
from berth.resources import DAEMON_SET, DEPLOYMENT

RUNS_TASKS = frozenset({DAEMON_SET, DEPLOYMENT})


def halted(children: list[Child], tasks: Tasks) -> list[Child]:
    """Rollouts are paused where they are; a count may fall, and does not rise.

    A paused Deployment still fills up what it may have beyond its count, so its limits stay as they are, too.
    """
    live = {one["metadata"]["name"]: one["spec"] for one in tasks.live.values()}
    return [
        _held(child, live[child.name]) if child.resource in RUNS_TASKS else child
        for child in children
        if child.resource not in RUNS_TASKS or child.name in live
    ]


def _held(child: Child, live: dict[str, object]) -> Child:
    spec = child.manifest["spec"]
    if child.resource == DAEMON_SET:
        # It cannot be paused; its tasks are replaced by nobody but who deletes them.
        return replace(child, manifest={**child.manifest, "spec": {**spec, "updateStrategy": {"type": "OnDelete"}}})
    count = min(spec["replicas"], int(str(live.get("replicas", 0))))
    strategy = live.get("strategy", spec["strategy"])
    held = {**spec, "replicas": count, "strategy": strategy, "paused": True}
    return replace(child, manifest={**child.manifest, "spec": held})
