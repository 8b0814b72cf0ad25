"""Where a task is to run, as far as adapters look at it: the namespace, and what the platform says."""

from dataclasses import dataclass

from berth.adapters import Platform
from berth.plan.outcome import Blocked
from berth.plan.world import World
from berth.resources import Resource

FILE = "the platform file (docs/platform.md)"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace under a platform's settings."""

    namespace: str
    platform: Platform
    privileged: bool = False
    """Tasks here may have power over their node."""
    absent: frozenset[Resource] = frozenset()
    """Kinds that this cluster does not have."""


def place_of(world: World) -> Place:
    allowed = world.settings.privileged_namespaces
    return Place(world.namespace, world.settings.platform, ANY in allowed or world.namespace in allowed, world.absent)


def unmapped(field: str, what: str, line: str) -> Blocked:
    """What only the platform can cure, with the line of configuration that is missing."""
    return Blocked("PlatformUnmapped", f"{field}: {what}; the platform team adds `{line}` to {FILE}")


def unsupported(field: str, why: str) -> Blocked:
    return Blocked("Unsupported", f"{field}: {why}")
