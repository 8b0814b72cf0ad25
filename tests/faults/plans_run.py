"""Oracles about how it runs: leaks, quiet at rest, bounded writes, no fights (O11, O13, O14, O15)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sized
from functools import partial
from typing import Any

from berth.plan.outcome import Json
from berth.resources import SERVICE, TASK_DEFINITION
from faults.conditions import gone, ready
from faults.plans import Plan, reference
from faults.plans_state import CHILDREN
from faults.run import Cluster
from faults.scripts import Script, done, rested, state_differences, told
from faults.workloads import CREATE, SCALING, UPDATE, WORKLOADS, Step, User, web
from support.manifests import task_definition


def leaks() -> Iterator[Plan]:
    """O11: what came and went leaves nothing behind, neither in the cluster nor in the operator."""
    for policy in ("Background", "Foreground"):
        yield Plan(f"O11/cycles/{policy}", partial(told, _cycles(policy)))


def _cycles(policy: str, count: int = 60) -> Script:
    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        sizes: list[dict[str, int]] = []
        for number in range(count):
            name = f"web-{number}"
            one = Step("create", partial(_make, name), ready(name))
            await done(cluster, one)
            cluster.user.scale(name, 2)
            await cluster.until("scaled", ready(name))
            cluster.user.delete(SERVICE, name, policy)
            await cluster.until("gone", gone(SERVICE, name))
            if number in {0, count - 1}:
                await asyncio.sleep(60)
                sizes.append(_sizes(cluster))
        found = (await rested(cluster)).faults
        left = [
            str(key) for key in cluster.server.objects if key.name.startswith("web-") and key.resource.group == "apps"
        ]
        grown = [
            f"{name} grew from {sizes[0][name]} to {size}" for name, size in sizes[1].items() if size > sizes[0][name]
        ]
        return found + grown + [f"{key} is left" for key in left]

    return script


def _make(name: str, user: User) -> None:
    user.apply(task_definition(), web(name))


def _sizes(cluster: Cluster) -> dict[str, int]:
    """Everything in an operator that grows with objects."""
    engine = cluster.processes[-1].engine
    owners: dict[str, object] = {
        "store": engine.store,
        "queue": engine.queue,
        "interests": engine._interests,
        "reconciler": engine._reconciler,
        "applier": engine._reconciler._applier,
        "fights": engine._reconciler._applier._fights,
    }
    bounded = {"store._tombstones", "queue._heat", "queue._heap"}
    return {
        f"{owner}{name}": value
        for owner, holder in owners.items()
        for name, value in ((f".{name}", _size(value)) for name, value in vars(holder).items())
        if value is not None and f"{owner}{name}" not in bounded
    }


def _size(value: Any) -> int | None:
    sized: Any = value
    return len(sized) if isinstance(sized, Sized) and not isinstance(sized, str | bytes) else None


def quiet() -> Iterator[Plan]:
    """O13: at rest nothing is written, with webhooks that change what is applied, and after a restart."""
    webhooks: dict[str, Callable[[Json], None]] = {
        "annotates": lambda body: body["metadata"].setdefault("annotations", {}).update({"webhook": "was here"}),
        "labels": lambda body: body["metadata"].setdefault("labels", {}).update({"team": "shop"}),
        "sidecar": _sidecar,
        "registry": _registry,
        "overrides": _overrides,
    }
    for name, webhook in webhooks.items():
        yield Plan(f"O13/webhook/{name}", partial(told, _mutated(webhook)))
    for workload in WORKLOADS:
        yield Plan(f"O13/restart/{workload.name}", partial(told, _restarted(workload.steps)))


def _sidecar(body: Json) -> None:
    if body["kind"] == "Deployment":
        containers = body["spec"]["template"]["spec"]["containers"]
        if all(one["name"] != "mesh" for one in containers):
            containers.append({"name": "mesh", "image": "mesh:1"})


def _registry(body: Json) -> None:
    if body["kind"] == "Deployment":
        for one in body["spec"]["template"]["spec"]["containers"]:
            one["image"] = f"mirror/{one['image'].removeprefix('mirror/')}"


def _overrides(body: Json) -> None:
    if body["kind"] == "Deployment":
        body["spec"]["revisionHistoryLimit"] = 5


def _mutated(webhook: Callable[[Json], None]) -> Script:
    async def script(cluster: Cluster) -> list[str]:
        cluster.server.webhook = webhook
        cluster.start()
        await done(cluster, CREATE)
        await done(cluster, UPDATE)
        evidence = await rested(cluster)
        # It says so when something is stored otherwise than it was planned, and that is all it does.
        return [one for one in evidence.faults if "noncanonical" not in one]

    return script


def _restarted(steps: tuple[Step, ...]) -> Script:
    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        for step in steps:
            await done(cluster, step)
        before = await rested(cluster)
        await cluster.stop()
        written = len(cluster.writes())
        cluster.start()
        after = await rested(cluster)
        extra = [f"written after a restart: {one}" for one in cluster.writes()[written:]]
        return extra + state_differences(before, after)

    return script


def bounded() -> Iterator[Plan]:
    """O14: a step writes each child once and the status as often as there is something new to say.

    An autoscaler is written when a deployment begins and when it ends: until then it takes no task away.
    """
    for workload in WORKLOADS:
        if workload.name not in {"leave", "recreate", "drift", "shared", "drain"}:
            yield Plan(f"O14/{workload.name}/steps", partial(_often, workload.name))
    for name, touch in _TOUCHES.items():
        yield Plan(f"O14/nothing/{name}", partial(told, _touched(touch)))


def _often(name: str) -> list[str]:
    found: list[str] = []
    for step in reference(name)[0].step_writes:
        counts = Counter(step)
        found += [f"{one}: {count} times" for one, count in counts.items() if count > _most(one)]
    return found


def _most(write: str) -> int:
    if write.endswith("/status"):
        return 6
    return 2 if "/horizontalpodautoscalers/" in write else 1


_TOUCHES: dict[str, Callable[[Cluster], None]] = {
    "applied-again": lambda cluster: cluster.user.apply(task_definition(), web(autoScaling=SCALING)),
    "annotated": lambda cluster: cluster.user.edit(SERVICE, "web", {"metadata": {"annotations": {"note": "x"}}}),
    "labelled": lambda cluster: cluster.user.edit(TASK_DEFINITION, "web", {"metadata": {"labels": {"team": "x"}}}),
}


def _touched(touch: Callable[[Cluster], None]) -> Script:
    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        await rested(cluster)
        before = len(cluster.writes())
        touch(cluster)
        evidence = await rested(cluster)
        return evidence.faults + [f"written for nothing: {one}" for one in cluster.writes()[before:]]

    return script


def fights() -> Iterator[Plan]:
    """O15: what others add stays; what they change of ours is put right once, and ever more slowly if they insist."""
    for key in CHILDREN:
        for kind in ("label", "annotation", "ours"):
            name = f"{key.resource.plural}-{key.name}"
            yield Plan(f"O15/{kind}/{name}", partial(told, _edited(key, kind)))
    yield Plan("O15/insisting", partial(told, _insisting()))


def _edited(key: Any, kind: str) -> Script:
    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        before = await rested(cluster)
        written = len(cluster.writes())
        edits: dict[str, Json] = {
            "label": {"metadata": {"labels": {"theirs": "x"}}},
            "annotation": {"metadata": {"annotations": {"theirs": "x"}}},
            "ours": {"metadata": {"labels": {"app.kubernetes.io/name": "theirs"}}},
        }
        cluster.user.edit(key.resource, key.name, edits[kind])
        after = await rested(cluster)
        extra = cluster.writes()[written:]
        if kind == "ours":
            found = [] if len(extra) == 1 else [f"{len(extra)} writes instead of 1: {extra}"]
            return found + state_differences(before, after)
        metadata = cluster.server.objects[key].body["metadata"]
        kept = "theirs" in metadata.get(f"{kind}s", {})
        return after.faults + [f"written: {one}" for one in extra] + ([] if kept else ["their field is gone"])

    return script


def _insisting() -> Script:
    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        await rested(cluster)
        written = len(cluster.writes())
        for number in range(600):
            edit = {"metadata": {"labels": {"app.kubernetes.io/name": f"theirs-{number}"}}}
            cluster.user.edit(CHILDREN[1].resource, CHILDREN[1].name, edit)
            await asyncio.sleep(1)
        extra = len(cluster.writes()) - written
        found = [f"{extra} writes in ten minutes of a fight"] if extra > 20 else []
        return found + state_differences(reference("create")[0], await rested(cluster))

    return script
