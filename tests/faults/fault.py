"""What can go wrong: a fault is asked at each request and at each watch event of the operator."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from berth.engine.api import Answer, Request
from berth.resources import EVENT, LEASE, Resource
from faults.server import Event

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the operator."""

    request: Request
    write: int
    """Its number among the writes of this run, from 0; -1 for a read, an Event or the Lease."""
    time: float


class End(Enum):
    """Instead of an answer."""

    KILL = "the process is killed"
    RESET = "the connection is reset"
    HANG = "no answer ever comes"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One watch event on its way to the operator."""

    number: int
    """Its number among all that this run delivered, from 0."""
    event: Event
    time: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The watches break; after a while they find that where they were is forgotten, and list again."""

    seconds: float
    compacted: bool = True
    """False: they go on where they were."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The event is never delivered."""


Effect = Answer | End | None
Fate = End | Gap | Drop | None


@dataclass
class Fault:
    """Nothing goes wrong. What does overrides one of these."""

    down: float = 2.0
    """For how long a killed operator stays away."""
    _writes: "itertools.count[int]" = field(default_factory=itertools.count)
    _deliveries: "itertools.count[int]" = field(default_factory=itertools.count)

    def before(self, call: Call) -> Effect:  # noqa: ARG002
        """Before the server sees a request: what comes back in its place."""
        return None

    def after(self, call: Call) -> Effect:  # noqa: ARG002
        """After the server did what a request asks: what comes back in place of its answer."""
        return None

    def deliver(self, delivery: Delivery) -> Fate:  # noqa: ARG002
        """What becomes of a watch event."""
        return None

    def snapshot(self, resource: Resource, time: float, revision: int) -> int | None:  # noqa: ARG002
        """The revision at which lists and watches of a kind are stuck now; None for none."""
        return None

    def delay(self, event: Event, time: float) -> float:  # noqa: ARG002
        """How many seconds a watch event is late."""
        return 0.0

    def window(self, time: float) -> float:  # noqa: ARG002
        """For how many seconds a watch gathers events, to deliver the last of each object alone."""
        return 0.0

    def call(self, request: Request, time: float) -> Call:
        counted = request.verb in WRITES and not _is_aside(request)
        return Call(request, next(self._writes) if counted else -1, time)

    def delivery(self, event: Event, time: float) -> Delivery:
        return Delivery(next(self._deliveries), event, time)


def _is_aside(request: Request) -> bool:
    return f"/{EVENT.plural}" in request.path or f"/{LEASE.plural}" in request.path


@dataclass
class AtWrite(Fault):
    """Something happens at one write, and for some seconds to all writes like it."""

    write: int = 0
    effect: Effect = None
    late: bool = False
    """The server does what is asked, and only the answer is replaced."""
    seconds: float = 0.0
    _target: tuple[str, str] | None = None
    _until: float = -1.0

    def before(self, call: Call) -> Effect:
        return self.effect if not self.late and self._hits(call) else None

    def after(self, call: Call) -> Effect:
        return self.effect if self.late and self._hits(call) else None

    def _hits(self, call: Call) -> bool:
        like = (call.request.verb, call.request.path)
        if call.write == self.write:
            self._target, self._until = like, call.time + self.seconds
            return True
        return call.write >= 0 and like == self._target and call.time < self._until


@dataclass
class AtEvent(Fault):
    """Something happens to one watch event."""

    number: int = 0
    fate: Fate = None

    def deliver(self, delivery: Delivery) -> Fate:
        return self.fate if delivery.number == self.number else None


@dataclass
class Stale(Fault):
    """From one write on, lists and watches are stuck where they were some revisions ago, and then catch up."""

    write: int = 0
    back: int = 0
    seconds: float = 20.0
    kill: bool = True
    """The operator is started anew into the past; otherwise its watches are led there."""
    resource: Resource | None = None
    """The one kind that is stuck; None for all."""
    _stuck_at: int | None = None
    _until: float = -1.0
    now: Callable[[], int] = lambda: 0
    """The server's revision."""
    _led: bool = False

    def after(self, call: Call) -> Effect:
        if call.write != self.write:
            return None
        self._stuck_at = max(self.now() - self.back, 0)
        self._until = call.time + self.seconds + (self.down if self.kill else 0)
        return End.KILL if self.kill else None

    def deliver(self, delivery: Delivery) -> Fate:
        if self._stuck_at is None or self.kill or self._led or delivery.time > self._until:
            return None
        self._led = True
        return Gap(0.0)

    def snapshot(self, resource: Resource, time: float, revision: int) -> int | None:
        stuck = self._stuck_at is not None and time < self._until and self.resource in {None, resource}
        return min(self._stuck_at or 0, revision) if stuck else None


@dataclass
class Late(Fault):
    """Each event waits a while of its own: kinds and objects overtake one another, no object itself."""

    waits: Callable[[Event], float] = lambda _event: 0.0

    def delay(self, event: Event, time: float) -> float:  # noqa: ARG002
        return self.waits(event)


@dataclass
class Gathered(Fault):
    """Watches tell of each object's last version alone, once in a while."""

    seconds: float = 1.0

    def window(self, time: float) -> float:  # noqa: ARG002
        return self.seconds


@dataclass
class Blind(Fault):
    """No watch event ever comes, of one kind or of any, and no error tells."""

    resource: Resource | None = None

    def deliver(self, delivery: Delivery) -> Fate:
        return Drop() if self.resource in {None, delivery.event.key.resource} else None


@dataclass
class Refusing(Fault):
    """Writes that a judge picks out are answered so for some time from the first one on."""

    picks: Callable[[Call], bool] = lambda _call: False
    effect: Effect = None
    seconds: float = 600.0
    _until: float | None = None

    def before(self, call: Call) -> Effect:
        if call.write < 0 or not self.picks(call):
            return None
        if self._until is None:
            self._until = call.time + self.seconds
        return self.effect if call.time < self._until else None


@dataclass
class Forgetful(Fault):
    """The operator is killed, and while it lists anew the server forgets what the next page is to be a part of."""

    write: int = 0
    page: int = 0
    """The continued page before which it forgets, counted from the restart."""
    forget: Callable[[], None] = lambda: None
    _pages: int = -1

    def before(self, call: Call) -> Effect:
        if self._pages >= 0 and "continue" in call.request.query:
            if self._pages == self.page:
                self.forget()
            self._pages += 1
        return None

    def after(self, call: Call) -> Effect:
        if call.write != self.write:
            return None
        self._pages = 0
        return End.KILL
