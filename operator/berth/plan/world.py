"""What a plan function may look at: the subject, what it owns, what it refers to, the settings and the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from berth.plan.outcome import Json
from berth.resources import Resource
from berth.settings import Settings


class Lookup(Protocol):
    """Finds other objects. The engine remembers each question, so that an answer that changes asks the plan again."""

    def one(self, resource: Resource, name: str, namespace: str = "") -> Json | None:
        """The object of that name, in the namespace given (for a namespaced kind, always the subject's own)."""
        ...

    def group(self, resource: Resource, value: str, namespace: str = "") -> tuple[Json, ...]:
        """The objects of a kind whose group (the table says what that is) has the value, by name."""
        ...

    def groups(self, resource: Resource, namespace: str = "") -> tuple[str, ...]:
        """The values by which any object of a kind is found now; only one that comes or goes changes the answer."""
        ...

    def every(self, resource: Resource) -> tuple[Json, ...]:
        """All objects of a kind in the cluster, by name."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """One subject and all that its plan may depend on. Objects are JSON, as the table's `keep` left them."""

    subject: Json
    lookup: Lookup
    now: datetime
    settings: Settings = field(default_factory=Settings)
    owned: Mapping[Resource, tuple[Json, ...]] = field(default_factory=dict[Resource, tuple[Json, ...]])
    """What the subject controls (owner reference with its uid), by kind, ordered by name."""
    not_owned: tuple[str, ...] = ()
    """Names of objects that the last attempt found in the way: ours by name, somebody else's by owner ("Kind/name")."""

    absent: frozenset[Resource] = frozenset()
    """Kinds that the cluster does not have, of those that not every cluster has."""

    @property
    def name(self) -> str:
        return str(self.subject["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.subject["metadata"].get("namespace", ""))

    def one(self, resource: Resource, name: str) -> Json | None:
        return self.lookup.one(resource, name, self.namespace if resource.namespaced else "")

    def group(self, resource: Resource, value: str) -> tuple[Json, ...]:
        return self.lookup.group(resource, value, self.namespace if resource.namespaced else "")

    def groups(self, resource: Resource) -> tuple[str, ...]:
        return self.lookup.groups(resource, self.namespace if resource.namespaced else "")

    def children(self, resource: Resource) -> tuple[Json, ...]:
        return self.owned.get(resource, ())
