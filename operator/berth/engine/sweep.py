"""Comparing the store with the cluster now and then, to find what the watches lost."""

import asyncio
import logging
import random

from berth.engine.api import METADATA_LIST, Api
from berth.engine.clock import Clock
from berth.engine.controller import Watch
from berth.engine.errors import ApiError, NotFound
from berth.engine.key import Key, key_of
from berth.engine.listing import Lister
from berth.engine.metrics import Metrics
from berth.engine.store import Store, version_of
from berth.settings import Settings

_log = logging.getLogger(__name__)

_GRACE_SECONDS = 2.0
"""How long a watch may be behind a list before it counts as having lost something."""
_AFTER_RELIST_SECONDS = 2.0
_JITTER = 0.2


class Sweep:
    """Lists metadata of each watched kind in pages, forgets what is gone and reads again what differs."""

    def __init__(self, api: Api, store: Store, lister: Lister, clock: Clock, metrics: Metrics) -> None:  # noqa: PLR0913, PLR0917
        self._api = api
        self._store = store
        self._lister = lister
        self._clock = clock
        self._metrics = metrics
        self._relisted = asyncio.Event()
        self._relisted_at = 0.0
        self.finished_at = clock.monotonic()
        metrics.counter("berth_sweep_repairs_total", "Changes that no watch told of and the sweep found; 0 is right.")

    def relisted(self) -> None:
        """A watch listed its kind again: what vanished meanwhile was not reported."""
        self._relisted_at = self._clock.monotonic()
        self._relisted.set()

    async def run(self, settings: Settings) -> None:
        while True:
            wait = settings.sweep_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # spreads load
            try:
                async with asyncio.timeout(wait):
                    await self._relisted.wait()
                await self._calm()
            except TimeoutError:
                pass
            self._relisted.clear()
            try:
                await self.once()
            except ApiError as error:
                _log.warning("the sweep could not finish: %s", error)

    async def once(self) -> int:
        """One sweep over all kinds. Returns the number of repairs."""
        repairs = 0
        for watch in self._store.watches():
            repairs += await self._one_kind(watch)
        self.finished_at = self._clock.monotonic()
        if repairs:
            _log.warning("the sweep repaired %d records that the watches had lost", repairs)
            self._metrics.count("berth_sweep_repairs_total", by=repairs)
        return repairs

    async def _calm(self) -> None:
        """Wait until no watch has listed anything for a moment."""
        wait = _AFTER_RELIST_SECONDS
        while wait > 0:
            await asyncio.sleep(wait)
            wait = self._relisted_at + _AFTER_RELIST_SECONDS - self._clock.monotonic()

    async def _one_kind(self, watch: Watch) -> int:
        changed: dict[Key, int] = {}
        gone: dict[Key, int] = {}
        for place in self._lister.places(watch):
            listed: dict[Key, tuple[str, int]] = {}
            version = 0
            async for page in self._lister.pages(watch, place, METADATA_LIST):
                if page.first:
                    listed.clear()
                version = page.version
                listed |= {
                    key_of(watch.resource, item): (item["metadata"].get("uid", ""), version_of(item))
                    for item in page.items
                }
            self._compare(watch, place, listed, version, changed, gone)
        if not changed and not gone:
            return 0
        await asyncio.sleep(_GRACE_SECONDS)
        return await self._repair(changed, gone)

    def _compare(  # noqa: PLR0913, PLR0917  # one list against the store
        self,
        watch: Watch,
        place: str,
        listed: dict[Key, tuple[str, int]],
        version: int,
        changed: dict[Key, int],
        gone: dict[Key, int],
    ) -> None:
        for key, (uid, found) in listed.items():
            known = self._store.get(key)
            if known is None or known.version < found or (known.uid != uid and known.version <= version):
                changed[key] = found
        for record in self._store.of_kind(watch.resource):
            if place in {"", record.key.namespace} and record.key not in listed and record.version <= version:
                gone[record.key] = version

    async def _repair(self, changed: dict[Key, int], gone: dict[Key, int]) -> int:
        repairs = 0
        for key, version in changed.items():
            known = self._store.get(key)
            if known is None or known.version < version:
                repairs += await self._read_again(key)
        for key, version in gone.items():
            known = self._store.get(key)
            if known is not None and known.version <= version:
                repairs += self._store.forget(key, known.uid, version + 1)
        return repairs

    async def _read_again(self, key: Key) -> bool:
        try:
            return self._store.see(await self._api.get(key.path), key.resource)
        except NotFound:
            known = self._store.get(key)
            return known is not None and self._store.forget(key, known.uid, known.version + 1)
