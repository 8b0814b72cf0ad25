"""The work queue: each key once, one worker on it at a time, patience with what fails, fairness between namespaces."""

import asyncio
import heapq
import random
from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import IntEnum

from berth.engine.clock import Clock
from berth.engine.key import Key

_CALM_GAP = 0.1
_HOT_GAP = 0.5
_HOT_KEYS = 1024
_LOW_LANE_TURN = 8


class Lane(IntEnum):
    """Who waits for whom."""

    CHANGE = 0
    """Somebody changed something just now."""
    ROUTINE = 1
    """A start, a relist, a sweep, a timer, another attempt."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The waits between failed attempts: doubling, each drawn between nothing and its bound."""

    first: float = 0.05
    most: float = 300.0

    def bound(self, failures: int) -> float:
        return min(self.first * 2.0 ** min(failures - 1, 60), self.most)


@dataclass(slots=True)
class _Heat:
    """When a key last started, and how long it must rest before the next start."""

    started: float
    gap: float


class Queue:
    """As client-go's work queue, with lanes. A key that changes all the time is worked on a few times a second."""

    def __init__(self, clock: Clock, backoff: Backoff, randomness: random.Random | None = None) -> None:
        self._clock = clock
        self._backoff = backoff
        self._random = randomness or random.Random()  # noqa: S311  # spreads load, keeps no secret
        self._lanes: tuple[OrderedDict[str, OrderedDict[Key, float]], ...] = (OrderedDict(), OrderedDict())
        self._lane_of: dict[Key, Lane] = {}
        self._processing: set[Key] = set()
        self._again: dict[Key, Lane] = {}
        self._due: dict[Key, tuple[float, Lane]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._sequence = 0
        self._failures: dict[Key, int] = {}
        self._heat: OrderedDict[Key, _Heat] = OrderedDict()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: float | None = None
        self._taken = 0

    def add(self, key: Key, lane: Lane = Lane.CHANGE) -> None:
        """The key is to be worked on as soon as it may."""
        if key in self._processing:
            self._again[key] = min(lane, self._again.get(key, lane))
            return
        heat = self._heat.get(key)
        rest = heat.started + heat.gap - self._clock.monotonic() if heat is not None else 0.0
        if rest > 0:
            self.add_after(key, rest, lane)
        else:
            self._push(key, lane)

    def add_after(self, key: Key, seconds: float, lane: Lane = Lane.ROUTINE) -> None:
        """The key is to be worked on then at the latest; work before that makes it unnecessary."""
        due = self._clock.monotonic() + max(seconds, 0.0)
        known = self._due.get(key)
        if known is not None:
            lane = min(lane, known[1])
            if known[0] <= due:
                self._due[key] = (known[0], lane)
                return
        self._due[key] = (due, lane)
        self._sequence += 1
        heapq.heappush(self._heap, (due, self._sequence, key))
        self._set_timer()

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """The key failed: work on it again after a wait that grows. Returns the wait."""
        self._failures[key] = self._failures.get(key, 0) + 1
        wait = at_least + self._random.uniform(0.0, self._backoff.bound(self._failures[key]))
        self.add_after(key, wait)
        return wait

    def succeeded(self, key: Key) -> None:
        """The key's next failure is its first again."""
        self._failures.pop(key, None)

    def drop(self, key: Key) -> None:
        """The object is gone: no timer and no count of failures remains."""
        self._failures.pop(key, None)
        self._due.pop(key, None)
        self._heat.pop(key, None)

    async def get(self) -> Key:
        """The next key. It is the caller's alone until `done`."""
        while True:
            key = self._pop()
            if key is not None:
                return key
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()  # our turn passes to somebody who still waits
                raise

    def done(self, key: Key) -> None:
        """The caller has finished with the key; what changed meanwhile makes it due again."""
        self._processing.discard(key)
        lane = self._again.pop(key, None)
        if lane is not None:
            self.add(key, lane)

    def oldest_wait(self) -> float:
        """For how many seconds the key that is longest ready has been waiting for a worker."""
        since = [entry for lane in self._lanes for keys in lane.values() for entry in keys.values()]
        return self._clock.monotonic() - min(since) if since else 0.0

    def failing(self) -> int:
        return len(self._failures)

    def busy(self) -> bool:
        """A key is ready or being worked on."""
        return bool(self._lane_of or self._processing)

    def __len__(self) -> int:
        return len(self._lane_of)

    def _push(self, key: Key, lane: Lane) -> None:
        known = self._lane_of.get(key)
        if known is not None and known <= lane:
            return
        since = self._clock.monotonic()
        if known is not None:
            since = self._take_out(key, known)
        self._lanes[lane].setdefault(key.namespace, OrderedDict())[key] = since
        self._lane_of[key] = lane
        self._wake_one()

    def _take_out(self, key: Key, lane: Lane) -> float:
        keys = self._lanes[lane][key.namespace]
        since = keys.pop(key)
        if not keys:
            del self._lanes[lane][key.namespace]
        return since

    def _pop(self) -> Key | None:
        """The first key of the namespace whose turn it is. Each eighth turn begins with the low lane: none starves."""
        self._taken += 1
        lanes = self._lanes if self._taken % _LOW_LANE_TURN else self._lanes[::-1]
        for lane in lanes:
            if lane:
                namespace, keys = lane.popitem(last=False)
                key, _since = keys.popitem(last=False)
                if keys:
                    lane[namespace] = keys
                del self._lane_of[key]
                self._due.pop(key, None)
                self._processing.add(key)
                self._warm(key)
                return key
        return None

    def _warm(self, key: Key) -> None:
        now = self._clock.monotonic()
        heat = self._heat.pop(key, None)
        hot = heat is not None and now - heat.started < 2 * heat.gap
        gap = min(heat.gap * 2, _HOT_GAP) if heat is not None and hot else _CALM_GAP
        self._heat[key] = _Heat(now, gap)
        while len(self._heat) > _HOT_KEYS or now - next(iter(self._heat.values())).started > 2 * _HOT_GAP:
            self._heat.popitem(last=False)

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _set_timer(self) -> None:
        while self._heap and self._due.get(self._heap[0][2], (None,))[0] != self._heap[0][0]:
            heapq.heappop(self._heap)
        due = self._heap[0][0] if self._heap else None
        if due == self._timer_due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            wait = max(due - self._clock.monotonic(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._fire)
        self._timer_due = due

    def _fire(self) -> None:
        self._timer, self._timer_due = None, None
        now = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now + 1e-6:
            due, _, key = heapq.heappop(self._heap)
            entry = self._due.get(key)
            if entry is not None and entry[0] == due:
                del self._due[key]
                if key in self._processing:
                    self._again[key] = min(entry[1], self._again.get(key, entry[1]))
                else:
                    self._push(key, entry[1])
        self._set_timer()
