"""Oracles about states: convergence from any start, rollback, bad input, ownership (O1, O3, O10, O12)."""

import asyncio
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from berth.engine.key import Key
from berth.names import MANAGED_BY
from berth.plan.outcome import Json
from berth.resources import (
    AUTOSCALER,
    CONTROLLER_REVISION,
    CORE_SERVICE,
    DEPLOYMENT,
    SERVICE,
    Resource,
)
from faults.conditions import gone, ready, says
from faults.plans import Plan, reference
from faults.run import Cluster
from faults.scripts import Script, children, done, rested, state_differences, told
from faults.workloads import CREATE, PLACE, SCALING, Step, web
from faults.writes import Writer
from support.manifests import strategy, task_definition

Damage = Callable[[Cluster, Key], None]

CHILDREN = (
    Key(CONTROLLER_REVISION, PLACE, "web-deployment-1"),
    Key(DEPLOYMENT, PLACE, "web-fargate"),
    Key(DEPLOYMENT, PLACE, "web-fargate-spot"),
    Key(CORE_SERVICE, PLACE, "web"),
    Key(AUTOSCALER, PLACE, "web"),
)
_EDITS: dict[Resource, Json] = {
    DEPLOYMENT: {"spec": {"replicas": 9, "revisionHistoryLimit": 7}},
    CORE_SERVICE: {"spec": {"selector": {"else": "where"}}},
    AUTOSCALER: {"spec": {"maxReplicas": 99}},
    CONTROLLER_REVISION: {"metadata": {"labels": {"app.kubernetes.io/name": "other"}}},
}


def _missing(cluster: Cluster, key: Key) -> None:
    cluster.user.delete(key.resource, key.name)


def _edited(cluster: Cluster, key: Key) -> None:
    cluster.user.edit(key.resource, key.name, _EDITS[key.resource])


def _unlabelled(cluster: Cluster, key: Key) -> None:
    cluster.user.edit(key.resource, key.name, {"metadata": {"labels": {MANAGED_BY: None}}})


def _ghostly(cluster: Cluster, key: Key) -> None:
    """The child says that it belongs to a Service that is gone."""
    live = cluster.server.objects[key]
    references = [{**one, "uid": "uid-of-another-life"} for one in live.body["metadata"]["ownerReferences"]]
    metadata = {**live.body["metadata"], "ownerReferences": references}
    cluster.server.commit(key, {**live.body, "metadata": metadata}, live.managers, "restore")


def _extra(cluster: Cluster, key: Key) -> None:
    """Something more that is ours and was planned once."""
    live = cluster.server.objects[key]
    more = Key(key.resource, key.namespace, f"{key.name}-old")
    body = live.shown()
    for name in ("uid", "resourceVersion", "managedFields", "generation"):
        body["metadata"].pop(name, None)
    body["metadata"]["name"] = more.name
    if key.resource != CONTROLLER_REVISION:
        cluster.server.commit(more, body, live.managers, "restore")


_DAMAGES: dict[str, Damage] = {
    "missing": _missing,
    "edited": _edited,
    "unlabelled": _unlabelled,
    "ghostly": _ghostly,
    "extra": _extra,
}


def any_start() -> Iterator[Plan]:
    """O1: whatever the operator finds at its start, the end is that of a fresh installation."""
    for name, damage in _DAMAGES.items():
        for key in CHILDREN:
            yield Plan(f"O1/{name}/{key.resource.plural}-{key.name}", _damaged([(damage, key)]))
    for seed in range(30):
        chance = random.Random(seed)  # noqa: S311  # the same start each time
        chosen = [(chance.choice(list(_DAMAGES.values())), key) for key in CHILDREN if chance.random() < 0.7]
        yield Plan(f"O1/random/{seed}", _damaged(chosen))


def _damaged(damages: list[tuple[Damage, Key]]) -> Callable[[], list[str]]:
    fresh = reference("create")[0]

    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        await cluster.stop()
        for damage, key in damages:
            damage(cluster, key)
        cluster.start()
        return same_but_split(cluster, state_differences(fresh, await rested(cluster)))

    return lambda: told(script)


def same_but_split(cluster: Cluster, found: list[str]) -> list[str]:
    """Tasks stay where they are: a count that went elsewhere and back may be split otherwise, to the same sum."""
    total = sum(int(live.body["spec"]["replicas"]) for live in cluster.server.of_kind(DEPLOYMENT))
    parts = ("replicas", "Replicas", "rollingUpdate", "capacityProviders[")
    rest = [one for one in found if not any(part in one for part in parts)]
    return rest if total == 4 else [*rest, f"{total} tasks instead of 4"]


def rollbacks() -> Iterator[Plan]:
    """O3: there and back again ends where it began."""
    there = {
        "count": web(desiredCount=9, autoScaling=SCALING),
        "zero": web(desiredCount=0, autoScaling=SCALING),
        "no-scaling": web(),
        "weights": web(capacityProviderStrategy=strategy(fargate=(0, 5), fargate_spot=(2, 1)), autoScaling=SCALING),
        "provider-leaves": web(capacityProviderStrategy=strategy(fargate=(0, 1)), autoScaling=SCALING),
        "provider-missing": web(capacityProviderStrategy=strategy(nowhere=(0, 1)), autoScaling=SCALING),
        "definition-missing": web(taskDefinition="nothing", autoScaling=SCALING),
        "invalid": web(desiredCount=-3, autoScaling=SCALING),
    }
    for name, body in there.items():
        for seconds in (0.0, 0.3, 2.0, 60.0):
            yield Plan(f"O3/{name}/{seconds}s", _there_and_back(body, seconds))


def _there_and_back(body: Json, seconds: float) -> Callable[[], list[str]]:
    fresh = reference("create")[0]

    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        cluster.user.apply(body)
        await asyncio.sleep(seconds)
        # The split goes back exactly where it went through the same count.
        await done(cluster, Step("back", lambda user: user.apply(web(autoScaling=SCALING)), ready()))
        return same_but_split(cluster, state_differences(fresh, await rested(cluster)))

    return lambda: told(script)


def bad_input() -> Iterator[Plan]:
    """O10: what an older CRD let in leaves everything as it is and says why; its correction goes on."""
    wrong: dict[str, Json] = {
        "count": {"desiredCount": -1},
        "count-type": {"desiredCount": "many"},
        "no-definition": {"taskDefinition": None},
        "definition-type": {"taskDefinition": 7},
        "weight": {"capacityProviderStrategy": strategy(fargate=(0, 5000))},
        "two-bases": {"capacityProviderStrategy": strategy(fargate=(1, 1), fargate_spot=(1, 1))},
        "strategy-type": {"capacityProviderStrategy": {"fargate": 1}},
        "launch-type": {"launchType": "MOON"},
        "scaling": {"autoScaling": {"minCapacity": 9}},
        "percent": {"deploymentConfiguration": {"minimumHealthyPercent": "half"}},
    }
    for name, patch in wrong.items():
        for restart in (False, True):
            yield Plan(f"O10/{name}/{'restarted' if restart else 'running'}", _refused(patch, restart=restart))


def _refused(patch: Json, *, restart: bool) -> Callable[[], list[str]]:
    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        before = await rested(cluster)
        cluster.user.edit(SERVICE, "web", {"spec": patch})
        await cluster.until("refused", says("web", "InvalidSpec"), 60)
        if restart:
            await cluster.stop()
            cluster.start()
        during = await rested(cluster)
        found = [f"children changed under bad input: {one}" for one in _changed(children(before), children(during))]
        cluster.user.edit(SERVICE, "web", {"spec": dict.fromkeys(patch)})
        await done(cluster, Step("corrected", lambda user: user.apply(web(autoScaling=SCALING)), ready()))
        return found + state_differences(before, await rested(cluster))

    return lambda: told(script)


def _changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]


def ownership() -> Iterator[Plan]:
    """O12: what is somebody else's is never touched; what is ours goes with its owner, as the deleter asked."""
    for key in CHILDREN:
        for kind in ("plain", "labelled", "of-another-owner"):
            yield Plan(f"O12/foreign/{key.resource.plural}-{key.name}/{kind}", _foreign(key, kind))
    for policy in ("Background", "Foreground", "Orphan"):
        yield Plan(f"O12/deleted/{policy}", partial(told, _deleted(policy)))


def _foreign(key: Key, kind: str) -> Callable[[], list[str]]:
    fresh = reference("create")[0]

    async def script(cluster: Cluster) -> list[str]:
        writer = Writer(cluster.server, "somebody")
        writer.create(key, _foreign_body(key, kind), "somebody")
        before = cluster.server.objects[key]
        cluster.start()
        cluster.user.apply(task_definition(), web(autoScaling=SCALING))
        await cluster.until("not owned", says("web", "NotOwned"), 60)
        await rested(cluster)
        after = cluster.server.objects.get(key)
        found = [] if after is not None and _same_but_status(before.body, after.body) else [f"{key} was touched"]
        writer.delete(key, {})
        await cluster.until("free", ready())
        return found + state_differences(fresh, await rested(cluster))

    return lambda: told(script)


def _same_but_status(before: Json, after: Json) -> bool:
    def rest(body: Json) -> Any:
        return {**body, "status": None, "metadata": {**body["metadata"], "resourceVersion": ""}}

    return bool(rest(before) == rest(after))


def _foreign_body(key: Key, kind: str) -> Json:
    metadata: Json = {"name": key.name, "namespace": key.namespace, "labels": {"theirs": "yes"}}
    if kind != "plain":
        metadata["labels"][MANAGED_BY] = "berth"
    specs: dict[Resource, Json] = {
        DEPLOYMENT: {"spec": {"replicas": 1, "selector": {}, "template": {"spec": {"containers": [{"image": "x"}]}}}},
        CORE_SERVICE: {"spec": {"ports": [{"port": 1}]}},
        AUTOSCALER: {"spec": {"maxReplicas": 1}},
        CONTROLLER_REVISION: {"data": {}, "revision": 1},
    }
    if kind == "of-another-owner":
        other = {"apiVersion": "v1", "kind": "Namespace", "name": PLACE, "uid": "uid-1", "controller": True}
        metadata["ownerReferences"] = [other]
    head = {"apiVersion": key.resource.api_version, "kind": key.resource.kind}
    return {**head, "metadata": metadata, **specs[key.resource]}


def _deleted(policy: str) -> Script:
    async def script(cluster: Cluster) -> list[str]:
        cluster.start()
        await done(cluster, CREATE)
        before = await rested(cluster)
        cluster.user.delete(SERVICE, "web", policy)
        await cluster.until("gone", gone(SERVICE, "web"), 60)
        after = await rested(cluster)
        left = [str(key) for key in CHILDREN if key in cluster.server.objects]
        found = list(after.faults)
        if policy != "Orphan":
            return found + [f"{key} is left" for key in left]
        found += [f"{key} is gone" for key in map(str, CHILDREN) if key not in left]
        changed = [one for one in _changed(children(before), children(after)) if "ownerReferences" not in one]
        found += [f"an orphan was touched: {one}" for one in changed if "managedFields" not in one]
        # The same name again: what was left belongs to nobody, and stays nobody's.
        cluster.user.apply(web(autoScaling=SCALING))
        await cluster.until("not owned", says("web", "NotOwned"), 60)
        again = await rested(cluster)
        return found + [one for one in again.faults if one not in found]

    return script
