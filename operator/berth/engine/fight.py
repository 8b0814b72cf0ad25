"""Patience with somebody who keeps changing what we own: restored at once, then ever more slowly."""

import logging
from collections import OrderedDict
from dataclasses import dataclass

from berth.engine.clock import Clock
from berth.engine.key import Key

_log = logging.getLogger(__name__)

_FREE = 3
_FIRST_SECONDS = 2.0
_MOST_SECONDS = 600.0
_REMEMBERED = 1024


@dataclass(slots=True)
class _Rounds:
    planned: bytes
    count: int
    last: float


class Fights:
    """How often the same manifest was applied to an object that somebody had changed back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rounds: OrderedDict[Key, _Rounds] = OrderedDict()

    def wait(self, key: Key, planned: bytes) -> float:
        """Seconds until this manifest may be applied once more; a new manifest never waits."""
        rounds = self._rounds.get(key)
        if rounds is None or rounds.planned != planned or rounds.count < _FREE:
            return 0.0
        pause = min(_FIRST_SECONDS * 2.0 ** min(rounds.count - _FREE, 30), _MOST_SECONDS)
        return rounds.last + pause - self._clock.monotonic()

    def applied(self, key: Key, planned: bytes) -> None:
        """The manifest was applied to an object that existed."""
        now = self._clock.monotonic()
        rounds = self._rounds.get(key)
        if rounds is None or rounds.planned != planned or now - rounds.last > 2 * _MOST_SECONDS:
            self._rounds[key] = _Rounds(planned, 1, now)
            if len(self._rounds) > _REMEMBERED:
                self._rounds.popitem(last=False)
            return
        rounds.count += 1
        rounds.last = now
        if rounds.count == _FREE:
            _log.warning("somebody keeps changing fields of %s that are planned here; it is restored more slowly", key)

    def forget(self, key: Key) -> None:
        self._rounds.pop(key, None)
