"""Providers take turns where the Service's limits leave less room than there are providers.

Kubernetes refuses a share of no surge and no unavailability, even for a paused Deployment. So one without a share is
paused until others have finished, and the surge of one that it has on paper is never used.
"""

from dataclasses import replace

from berth.api.service import ServiceSpec
from berth.plan import limits
from berth.plan.healthy import healthy
from berth.plan.outcome import Child, Json
from berth.plan.tasks import Tasks, made_from
from berth.resources import DEPLOYMENT


def in_turns(children: list[Child], spec: ServiceSpec, tasks: Tasks, record: str) -> list[Child]:
    """What the limits allow is divided over those that have still to roll, where it is too little for all of them."""
    ahead = _ahead(tasks, record)
    surge, unavailable = _room(spec, tasks)
    if spec.is_daemon or not ahead or _enough(tasks, surge, unavailable):
        return children
    mine = {provider: tasks.wanted[provider] for provider in ahead}
    more, less = limits.divided(surge, mine), _missed(tasks, unavailable, mine)
    shares = {ahead[name]["metadata"]["name"]: (more[name], less[name], ahead[name]) for name in mine}
    return [_with(child, *shares[child.name]) if _is_ahead(child, shares) else child for child in children]


def is_stuck(spec: ServiceSpec, tasks: Tasks, record: str) -> bool:
    """No task may be started before another stops, and none may stop: only an edit helps."""
    least, most = (bound(tasks.desired, spec.deployment_configuration) for bound in (limits.lowest, limits.highest))
    waiting = [one for one in _ahead(tasks, record).values() if made_from(one) != record or _seen(one)]
    return not spec.is_daemon and least == most and bool(waiting or tasks.apart.out)


def _room(spec: ServiceSpec, tasks: Tasks) -> tuple[int, int]:
    beyond = sum(tasks.kept.values()) + sum(tasks.leaving.values()) + len(tasks.apart.out) + len(tasks.apart.ahead)
    most, least = (bound(tasks.desired, spec.deployment_configuration) for bound in (limits.highest, limits.lowest))
    return max(0, most - tasks.desired - beyond), tasks.desired - least


def _missed(tasks: Tasks, most: int, ahead: dict[str, int]) -> dict[str, int]:
    """How many tasks of each may be missing: those that are unhealthy already, and a part of what is left."""
    unhealthy = {name: max(0, count - _healthy(tasks, name)) for name, count in tasks.wanted.items()}
    left = max(0, most - sum(count for name, count in unhealthy.items() if name not in ahead))
    found: dict[str, int] = {}
    for name in ahead:
        found[name] = min(unhealthy[name], left)
        left -= found[name]
    return {name: found[name] + part for name, part in limits.divided(left, ahead).items()}


def _healthy(tasks: Tasks, provider: str) -> int:
    return healthy(tasks.live[provider]) if provider in tasks.live else 0


def _enough(tasks: Tasks, surge: int, unavailable: int) -> bool:
    """Everybody's part of the whole is one task at least."""
    more, less = limits.divided(surge, tasks.wanted), limits.divided(unavailable, tasks.wanted)
    return all(more[name] or less[name] for name, count in tasks.wanted.items() if count)


def _ahead(tasks: Tasks, record: str) -> dict[str, Json]:
    """Deployments whose tasks have still to be replaced."""
    return {
        provider: tasks.live[provider]
        for provider, count in tasks.wanted.items()
        if count and provider in tasks.live and not _rolled(tasks.live[provider], record)
    }


def _rolled(live: Json, record: str) -> bool:
    status = live.get("status", {})
    return made_from(live) == record and _seen(live) and status.get("updatedReplicas", 0) == status.get("replicas", 0)


def _seen(live: Json) -> bool:
    """Its controller has looked at what it was last asked for."""
    return bool(live.get("status", {}).get("observedGeneration") == live["metadata"].get("generation"))


def _is_ahead(child: Child, shares: dict[str, tuple[int, int, Json]]) -> bool:
    return child.resource == DEPLOYMENT and child.name in shares


def _with(child: Child, surge: int, unavailable: int, live: Json) -> Child:
    spec = child.manifest["spec"]
    if surge or unavailable:
        share = {"maxSurge": surge, "maxUnavailable": unavailable}
        held: Json = {**spec, "strategy": {"type": "RollingUpdate", "rollingUpdate": share}}
    elif _between(live):
        # Paused between two templates it would share out its surge over both.
        return child
    else:
        held = {**spec, "paused": True}
    return replace(child, manifest={**child.manifest, "spec": held})


def _between(live: Json) -> bool:
    status = live.get("status", {})
    count, updated = int(status.get("replicas", 0)), int(status.get("updatedReplicas", 0))
    return updated not in {0, count} or count != int(live["spec"].get("replicas", 0))
