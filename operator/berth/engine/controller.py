"""The shape of a row in the controllers' table: all that the engine is told about a kind."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from berth.plan.features import Feature
from berth.plan.outcome import Json, Plan
from berth.plan.world import World
from berth.resources import Resource


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind that is watched, and how much of each object is worth keeping in memory."""

    resource: Resource
    keep: Callable[[Json], Json]
    """The part of an object that plans read; an event that leaves it (and what we applied) unchanged wakes nobody."""
    groups: Callable[[Json], tuple[str, ...]] | None = None
    """The values by which `World.group` finds objects of this kind."""
    ours: bool = False
    """True for children: watched by our label alone, with a fingerprint of what we applied."""
    named: str = ""
    """Set: only objects of this name are watched, and the rights that an operator has are for this name alone."""
    sealed: bool = False
    """True: what is in its `data` is never looked at, nor kept."""
    option: str = ""
    """Set: watched only where the settings ask for this option and the API server serves the kind."""
    look_seconds: float = 1.0
    """A subject whose plan looked at all objects of this kind is asked again this often at most when they change."""


@dataclass(frozen=True, slots=True)
class Controller:
    """A kind that is reconciled."""

    resource: Resource
    plan: Callable[[World], Plan]
    owns: tuple[Resource, ...] = ()
    reads: tuple[Resource, ...] = ()
    makes: tuple[Resource, ...] = ()
    """Kinds whose objects outlive the subject (no owner reference)."""
    marks: tuple[Resource, ...] = ()
    """Kinds of others' objects (watched by our label) on which its plans may put annotations for a moment."""
    takes: tuple[Resource, ...] = ()
    """Kinds of objects that its plans make, take over from others and remove one by one; none of them is pruned."""
    writes_status: bool = True
    ends: bool = False
    """True: its plans may end the subject itself."""


@dataclass(frozen=True, slots=True)
class Table:
    """Every kind that is reconciled and every kind that is watched."""

    controllers: tuple[Controller, ...]
    watches: tuple[Watch, ...]
    absent: frozenset[Resource] = frozenset()
    """Kinds of options that are not used here, because nobody asks for them or nobody serves them."""
    held: tuple[Watch, ...] = ()
    """Kinds that no API server has: the engine itself puts them into the store."""
    polled: tuple[Watch, ...] = ()
    """Kinds that nobody watches: of the objects that plans ask for by name, metadata is looked at now and then."""
    features: tuple[Feature, ...] = ()
    """What plans may use where the cluster has it."""

    def watch(self, resource: Resource) -> Watch:
        return next(watch for watch in (*self.watches, *self.held, *self.polled) if watch.resource == resource)

    def controller(self, resource: Resource) -> Controller | None:
        return next((row for row in self.controllers if row.resource == resource), None)

    def optional(self, options: Collection[str]) -> tuple[Resource, ...]:
        """The kinds that these options use."""
        return tuple(watch.resource for watch in self.watches if watch.option and watch.option in options)

    def using(self, resources: Collection[Resource]) -> "Table":
        """The table with these optional kinds and no other."""
        absent = frozenset(watch.resource for watch in self.watches if watch.option) - frozenset(resources)
        return Table(
            tuple(_without(row, absent) for row in self.controllers if row.resource not in absent),
            tuple(watch for watch in self.watches if watch.resource not in absent),
            absent,
            self.held,
            self.polled,
            self.features,
        )


def _without(row: Controller, absent: frozenset[Resource]) -> Controller:
    def kept(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
        return tuple(one for one in resources if one not in absent)

    return replace(
        row,
        owns=kept(row.owns),
        reads=kept(row.reads),
        makes=kept(row.makes),
        marks=kept(row.marks),
        takes=kept(row.takes),
    )
