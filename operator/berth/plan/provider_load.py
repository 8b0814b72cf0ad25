"""The tasks of a capacity provider, over all namespaces: how many there shall be, and how large they are."""

from dataclasses import dataclass

from berth import names
from berth.plan.outcome import Json
from berth.plan.task_size import Size
from berth.plan.world import World
from berth.resources import DEPLOYMENT


@dataclass(frozen=True, slots=True)
class Load:
    """Tasks of one Deployment."""

    wanted: int
    running: int
    size: Size
    coming: bool = False
    """Kubernetes is about to make some."""


def load_of(world: World, provider: str) -> tuple[Load, ...]:
    """What the Services of the cluster run, or want to run, on a provider."""
    found = world.lookup.every(DEPLOYMENT)
    return tuple(_load(one) for one in found if one["metadata"]["labels"].get(names.CAPACITY_PROVIDER) == provider)


def uses(loads: tuple[Load, ...]) -> bool:
    """Whether a task is there, or on its way."""
    return any(one.wanted or one.running for one in loads)


def _load(deployment: Json) -> Load:
    size: Json = deployment["task"]
    status: Json = deployment["status"]
    wanted, running = int(deployment["spec"].get("replicas", 0)), int(status.get("replicas", 0))
    refused = any(one["type"] == "ReplicaFailure" and one["status"] == "True" for one in status.get("conditions", ()))
    return Load(wanted, running, Size(size["cpu"], size["memory"]), coming=wanted > running and not refused)
