"""The pull secret for ECR: one in each namespace that pulls from a registry of the platform, with fresh tokens.

The plan knows when tokens were issued and when they expire, and never a token.
"""

import json
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from berth import names
from berth.adapters import EcrRegistry
from berth.plan.keep import FROM_ECR
from berth.plan.moment import written
from berth.plan.outcome import Blocked, Child, Json, Plan, Seal
from berth.plan.place import place_of
from berth.plan.registry import ecr_registry
from berth.plan.world import World
from berth.resources import SECRET, TASK_DEFINITION_REVISION, TOKEN

TYPE = "kubernetes.io/dockerconfigjson"
KEY = ".dockerconfigjson"
SPREAD = 0.2
"""Namespaces take a new token one after the other, over this part of its age."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a token was issued, and when it expires."""

    issued: datetime
    expires: datetime

    def shown(self) -> list[str]:
        return [one.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for one in (self.issued, self.expires)]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a revision stands with the registries that it pulls from."""

    blocked: Blocked | None = None
    """It cannot pull."""
    trouble: str = ""
    """It can pull, but not for ever."""
    again: timedelta | None = None
    """When that changes if nothing happens."""


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """The data of a pull secret, from tokens that are `AWS:password` in base64, as ECR hands them out."""

    registries: tuple[tuple[str, str], ...]
    """Hosts, and the name of the token of each."""

    def __call__(self, tokens: Mapping[str, str]) -> dict[str, str]:
        config = {"auths": {host: {"auth": tokens[name]} for host, name in self.registries}}
        return {KEY: b64encode(json.dumps(config).encode()).decode()}


def plan(world: World) -> Plan:
    """A pull secret that was made: kept fresh as long as a revision pulls with it, and no longer."""
    if names.TOKENS not in world.subject["metadata"].get("annotations", {}):
        return Plan(children=None)  # somebody else's
    registries = _registries(world)
    if not registries:
        return Plan(children=None, ends=True)
    held = _held(world.subject)
    wanted = _wanted(world, registries, held)
    due = min((_due(one, world) for host, one in wanted.items() if host in registries), default=world.now)
    again = due - world.now if due > world.now else None
    return Plan(children=(_secret(wanted, registries),), again=again)


def missing(world: World) -> Child | None:
    """The pull secret, where a namespace needs it, has none, and there is a token."""
    registries = _registries(world)
    if not registries or world.one(SECRET, names.PULL_SECRET) is not None:
        return None
    wanted = _wanted(world, registries, {})
    return _secret(wanted, registries) if wanted else None


def standing(world: World) -> Standing:
    """Whether the images of a revision can be pulled, and until when."""
    hosts = _hosts([world.subject], world) if world.settings.platform.ecr.registries else {}
    if not hosts:
        return Standing()
    if f"Secret/{names.PULL_SECRET}" in world.not_owned:
        message = (
            f"containerDefinitions[].image: a Secret {names.PULL_SECRET} is in this namespace that the operator did "
            "not make; delete it, and the operator makes its own"
        )
        return Standing(Blocked("NotOwned", message))
    held = _held(world.one(SECRET, names.PULL_SECRET) or {"metadata": {}})
    trouble, ends = "", None
    for host, registry in sorted(hosts.items()):
        problem = str((world.one(TOKEN, registry.host) or {}).get("problem", ""))
        token = held.get(host)
        if token is None or token.expires <= world.now:
            return Standing(_untokened(host, problem))
        ends = min(token.expires, ends or token.expires)
        if problem:
            until = written(token.expires)
            trouble = trouble or f"the token for {host} expires at {until} and cannot be renewed: {problem}"
    return Standing(None, trouble, ends - world.now if ends else None)


def _secret(wanted: Mapping[str, Lifetime], registries: Mapping[str, EcrRegistry]) -> Child:
    kept = tuple((host, registries[host].host) for host in sorted(wanted) if host in registries)
    manifest: Json = {
        "metadata": {
            "labels": {names.MANAGED_BY: names.FIELD_MANAGER},
            "annotations": {names.TOKENS: json.dumps({host: one.shown() for host, one in sorted(wanted.items())})},
        },
        "type": TYPE,
        "data": {KEY: ""},
    }
    seal = Seal(tuple(sorted({name for _, name in kept})), DockerConfig(kept))
    return Child(SECRET, names.PULL_SECRET, manifest, outlives=True, seal=seal)


def _wanted(
    world: World, registries: Mapping[str, EcrRegistry], held: Mapping[str, Lifetime]
) -> Mapping[str, Lifetime]:
    """The tokens that the pull secret should have: those that it has, until one is due, or a registry comes or goes."""
    found = {host: _fresh(world, registry) for host, registry in registries.items()}
    fresh = {host: one for host, one in found.items() if one is not None}
    alive = {host for host, one in held.items() if host in registries and one.expires > world.now}
    if not alive <= fresh.keys():
        return held  # to write is to write all of them: none that is still good may be lost
    comes = fresh.keys() - held.keys()
    goes = held.keys() - registries.keys()
    due = [
        host
        for host, one in held.items()
        if host in fresh and _due(one, world) <= world.now and fresh[host].issued > one.issued
    ]
    return fresh if comes or goes or due else held


def _registries(world: World) -> dict[str, EcrRegistry]:
    if not world.settings.platform.ecr.registries:
        return {}
    return _hosts(world.group(TASK_DEFINITION_REVISION, FROM_ECR), world)


def _hosts(revisions: Collection[Json], world: World) -> dict[str, EcrRegistry]:
    """The registries that revisions pull from, by host."""
    place = place_of(world)
    images = (one["image"] for revision in revisions for one in revision["spec"]["containerDefinitions"])
    return dict(found for image in images if (found := ecr_registry(image, place)) is not None)


def _fresh(world: World, registry: EcrRegistry) -> Lifetime | None:
    token = world.one(TOKEN, registry.host) or {}
    if "expires" not in token:
        return None
    found = _lifetime(token["issued"], token["expires"])
    return found if found.expires > world.now else None


def _held(secret: Json) -> dict[str, Lifetime]:
    """What the annotation of a pull secret says; nothing when somebody wrote something else there."""
    try:
        held = json.loads(secret["metadata"].get("annotations", {}).get(names.TOKENS, "{}"))
        return {str(host): _lifetime(*times) for host, times in held.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _lifetime(issued: str, expires: str) -> Lifetime:
    return Lifetime(*(datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (issued, expires)))


def _due(token: Lifetime, world: World) -> datetime:
    """Long before it expires, and in each namespace at another time."""
    age = min(timedelta(seconds=world.settings.platform.ecr.refresh_seconds), (token.expires - token.issued) / 2)
    share = blake2b(world.namespace.encode(), digest_size=1).digest()[0] / 256
    return token.issued + age * (1 + SPREAD * share)


def _untokened(host: str, problem: str) -> Blocked:
    why = problem or "it is being asked for"
    return Blocked(
        "RegistryTokenMissing",
        f"containerDefinitions[].image: there is no token for {host}: {why}; tasks that need an image from there wait "
        "until there is one",
    )
