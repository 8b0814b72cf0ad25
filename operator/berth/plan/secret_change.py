"""onSecretChange: a Secret or ConfigMap whose content changed after a deployment started is a reason for another.

Nothing but metadata is seen of them, and times are compared: when the API server last took in content (managedFields
says so of each writer), and when the deployment's record was made. So nothing needs to be remembered: a change while
the operator was down is found, a label's change is none, and a deployment that failed is not tried again by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from berth.api.service import ServiceSpec
from berth.plan.conditions import State, condition
from berth.plan.deployment_record import Deployment
from berth.plan.history import Past, remembered
from berth.plan.moment import moment, written
from berth.plan.outcome import Json
from berth.plan.world import World
from berth.resources import CONFIG_MAP_METADATA, SECRET_METADATA, Resource

REDEPLOY = "Redeploy"
INPUT = "secretChange"
UNSEEN = "SecretsWatched"
FORBIDDEN = 403
CONTENT = frozenset({"f:data", "f:binaryData", "f:stringData"})
REFERENCES = {
    "secretKeyRef": ("Secret", SECRET_METADATA),
    "secretRef": ("Secret", SECRET_METADATA),
    "configMapKeyRef": ("ConfigMap", CONFIG_MAP_METADATA),
    "configMapRef": ("ConfigMap", CONFIG_MAP_METADATA),
}
"""Where a template refers to one. Pull secrets are none of these: what a task runs does not change with them."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was last seen of one that a deployment refers to."""

    called: str
    """Kind and name."""
    seen: Json | None
    """None before anybody has looked."""


def keep(body: Json) -> Json:
    """When an object was made, and when what is in it last changed; all else is dropped as it comes in."""
    if "code" in body:
        return {"code": body["code"]}
    metadata = body["metadata"]
    created = metadata.get("creationTimestamp", "")
    written_at = [
        str(entry.get("time", created))
        for entry in metadata.get("managedFields") or ()
        if CONTENT & (entry.get("fieldsV1") or {}).keys()
    ]
    return {"created": created, "changed": max(written_at, default=created)}


def changed(world: World, spec: ServiceSpec, past: Past) -> Json:
    """The change that asks for a deployment, as an input of it; a setting that was taken back asks for nothing."""
    if not past:
        return {}
    latest = past[max(past)]
    now = _changes(world, spec, latest)
    if now and world.now >= _rested(world, now):
        return {INPUT: {called: written(at) for called, at in sorted(now.items())}}
    before = latest.inputs.get(INPUT)
    return {INPUT: before} if before else {}


def again(world: World, spec: ServiceSpec, past: Past) -> timedelta | None:
    """When what has changed will have been left alone for long enough."""
    now = _changes(world, spec, past[max(past)]) if past else {}
    return _rested(world, now) - world.now if now and world.now < _rested(world, now) else None


def reason(deployment: Deployment, past: Past) -> str | None:
    """Why a deployment was started, where a change of these did it."""
    before = max((number for number in past if number < deployment.number), default=None)
    said: Mapping[str, str] | None = deployment.inputs.get(INPUT)
    if not said or (before is not None and past[before].inputs.get(INPUT) == said):
        return None
    return f"{' and '.join(said)} {'have' if len(said) > 1 else 'has'} changed"


def unseen(world: World, spec: ServiceSpec, asked: Deployment) -> list[Json]:
    """A condition, while there is something that the operator may not look at."""
    looks = _looks(world, spec, asked)
    if any(look.seen is None for look in looks):
        shown = world.subject.get("status", {}).get("conditions") or ()
        return [one for one in shown if one["type"] == UNSEEN]
    refused = [look.called for look in looks if look.seen and look.seen.get("code") == FORBIDDEN]
    if not refused:
        return []
    return [
        condition(
            world,
            UNSEEN,
            State(
                "Forbidden",
                f"onSecretChange: the operator has no right to get {', '.join(refused)}, so a change starts no "
                "deployment: give it that right (deploy/options/secret-changes.yaml, or rbac.secretChanges of the "
                "chart), or take onSecretChange out",
            ),
        )
    ]


def _rested(world: World, changes: Mapping[str, datetime]) -> datetime:
    """Several changes within a short time are one."""
    return max(changes.values()) + timedelta(seconds=world.settings.secret_rest_seconds)


def _changes(world: World, spec: ServiceSpec, deployment: Deployment) -> dict[str, datetime]:
    """What has changed since a deployment started, and when."""
    if not deployment.started:
        return {}
    found: dict[str, datetime] = {}
    for look in _looks(world, spec, deployment):
        if look.seen is None or "code" in look.seen:
            continue
        if _counts(world, deployment, look.seen):
            found[look.called] = moment(look.seen["changed"])
    return found


def _counts(world: World, deployment: Deployment, seen: Json) -> bool:
    """Whether it changed since. What came after the deployment had started, its tasks were waiting for.

    Times are whole seconds: what changed in the very second in which it ended starts one too many rather than none. In
    the second in which it started it is taken for part of it: whoever writes a Secret and a new revision, as Helm does,
    does so a moment before the record is made, and would get a deployment too many each time.
    """
    created, changed_at = str(seen["created"]), str(seen["changed"])
    if created <= deployment.started:
        return changed_at > deployment.started
    entry = remembered(world).get(deployment.name(world.name))
    return entry is not None and entry.finished_at is not None and changed_at >= entry.finished_at


def _looks(world: World, spec: ServiceSpec, deployment: Deployment) -> list[_Look]:
    if spec.on_secret_change != REDEPLOY:
        return []
    named = sorted(set(_references(deployment.template["spec"])))
    return [_Look(f"{kind} {name}", world.one(resource, name)) for kind, name, resource in named]


def _references(part: Any) -> Iterator[tuple[str, str, Resource]]:
    """All that a template refers to, by kind and name."""
    if isinstance(part, list):
        for one in cast("list[Any]", part):  # type: ignore[redundant-cast]  # pyright needs it
            yield from _references(one)
    if isinstance(part, dict):
        for key, value in cast("Json", part).items():
            if key in REFERENCES:
                kind, resource = REFERENCES[key]
                yield kind, str(value["name"]), resource
            else:
                yield from _references(value)
