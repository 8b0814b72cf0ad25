"""What a plan function answers: the objects that must exist, the status to show, the events to tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from berth.resources import Resource

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seal:
    """What goes into an object's `data` only as it is written: plans, the store, logs and statuses never hold it."""

    tokens: tuple[str, ...]
    """The tokens that it is made of, by name."""
    data: Callable[[Mapping[str, str]], dict[str, str]]
    """The object's whole `data`, base64 as the API server has it, from the tokens by name."""


@dataclass(frozen=True, slots=True)
class Child:
    """An object that must exist. The engine adds the owner reference, unless the object outlives its maker."""

    resource: Resource
    name: str
    manifest: Json
    """metadata (labels, annotations) and everything else but apiVersion, kind, name, namespace and ownerReferences."""
    namespace: str = ""
    """Where it goes when its subject belongs to no namespace; else it is in its subject's."""
    outlives: bool = False
    """True: no owner reference, never pruned; made once and left to a plan of its own."""
    seal: Seal | None = None
    """Set: the manifest's `data` has keys alone, and this fills them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Annotations on an object that the subject does not own, written before the children; none takes them back."""

    resource: Resource
    name: str
    uid: str
    """A mark is for this very object, never for another of its name."""
    annotations: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Take:
    """An object that the subject takes over from whoever controls it, before the children are written."""

    resource: Resource
    name: str
    uid: str
    labels: tuple[str, ...] = ()
    """Labels that it loses with its owner."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An object that the subject took over and needs no more; it goes after the children were written."""

    resource: Resource
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes Event about the subject, told after the status that it belongs to was written."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The user's fault or a thing that is missing: a reason for the conditions and a sentence with the remedy."""

    reason: str
    message: str
    stalled: bool = False
    """True when no waiting will cure it, only an edit of this object."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be for one subject."""

    children: tuple[Child, ...] | None
    """None leaves everything alone: a broken reference never tears down running tasks. () removes all."""
    status: Json | None = None
    """The whole status; None leaves it as it is."""
    events: tuple[Event, ...] = ()
    again: timedelta | None = None
    """When to look again although nothing happened; None waits for a watch event."""
    marks: tuple[Mark, ...] = ()
    """What is said on others' objects before the children are written: which pods go, just before a count falls."""
    takes: tuple[Take, ...] = ()
    """Others' objects that the subject takes over: it controls them from then on, and they are never pruned."""
    removals: tuple[Removal, ...] = ()
    """Of these, those that go."""
    ends: bool = False
    """True: the subject has served its time, and the engine deletes it."""
