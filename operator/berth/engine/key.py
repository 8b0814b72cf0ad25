"""How the engine names one object."""

from typing import NamedTuple

from berth.plan.outcome import Json
from berth.resources import Resource


class Key(NamedTuple):
    """One object of one kind by name. It names whatever holds the name now: the uid tells one holder from the next."""

    resource: Resource
    namespace: str
    name: str

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.resource.kind} {where}{self.name}"


def key_of(resource: Resource, body: Json) -> Key:
    """The key under which a live object is kept."""
    metadata = body["metadata"]
    return Key(resource, metadata.get("namespace", "") if resource.namespaced else "", metadata["name"])
