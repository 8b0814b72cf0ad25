"""Objects that nobody watches: those that plans ask for by name are looked at now and then, their metadata alone.

One request for each name, and none for what nobody asks for: the right to list would show all that there is.
"""

import asyncio
import logging
import random
from collections.abc import Iterable

from berth.engine.api import METADATA, Api
from berth.engine.clock import Clock
from berth.engine.controller import Table
from berth.engine.errors import ApiError, Forbidden, NotFound
from berth.engine.interest import Interests
from berth.engine.key import Key
from berth.engine.store import Store
from berth.plan.outcome import Json

_log = logging.getLogger(__name__)

_JITTER = 0.2


class Polled:
    """Looks at what is asked for when it is asked for first, and again once a period."""

    def __init__(self, table: Table, api: Api, store: Store, interests: Interests, clock: Clock) -> None:  # noqa: PLR0913, PLR0917
        self._resources = frozenset(watch.resource for watch in table.polled)
        self._api = api
        self._store = store
        self._interests = interests
        self._clock = clock
        self._news = interests.news_of(self._resources)

    async def run(self, seconds: float) -> None:
        """Look until cancelled."""
        if not self._resources:
            return
        due = self._clock.monotonic() + seconds
        while True:
            try:
                async with asyncio.timeout(due - self._clock.monotonic()):
                    await self._news.wait()
            except TimeoutError:
                due = self._clock.monotonic() + seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # spreads load
                await self.once()
            else:
                self._news.clear()
                asked = self._interests.asked_by_name(self._resources)
                await self._look_at(key for key in asked if self._store.get(key) is None)

    async def once(self) -> None:
        """Look at all that is asked for, and forget the rest."""
        asked = self._interests.asked_by_name(self._resources)
        for resource in self._resources:
            for record in [one for one in self._store.of_kind(resource) if one.key not in asked]:
                self._store.forget(record.key, record.uid, record.version)
        await self._look_at(asked)

    async def _look_at(self, keys: Iterable[Key]) -> None:
        for key in sorted(keys):
            try:
                self._store.see(await self._look(key), key.resource)
            except ApiError as error:
                _log.info("cannot look at %s, looking again later: %s", key, error)

    async def _look(self, key: Key) -> Json:
        """The metadata; where it cannot be had, the code that says why in its place."""
        try:
            return await self._api.get(key.path, accept=METADATA)
        except (NotFound, Forbidden) as error:
            return {"metadata": {"name": key.name, "namespace": key.namespace}, "code": error.code}
