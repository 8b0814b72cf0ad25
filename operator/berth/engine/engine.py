"""The engine put together: events in, reconciliations out."""

import asyncio
import logging
from dataclasses import dataclass

from berth.engine.api import Api
from berth.engine.clock import Clock
from berth.engine.controller import Table
from berth.engine.errors import ApiError, TooManyRequests, WritesFenced
from berth.engine.events import Events
from berth.engine.interest import Interests
from berth.engine.key import Key
from berth.engine.listing import Lister
from berth.engine.metrics import Metrics
from berth.engine.polled import Polled
from berth.engine.queue import Backoff, Lane, Queue
from berth.engine.readings import Reader, Readings
from berth.engine.reconcile import Parts, Reconciler, Unsettled
from berth.engine.store import Record, Store
from berth.engine.sweep import Sweep
from berth.engine.tokens import Issuer, Tokens
from berth.plan.outcome import Json
from berth.resources import Resource
from berth.settings import Settings

_log = logging.getLogger(__name__)

_LIST_RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Outside:
    """What the engine meets the world through."""

    api: Api
    clock: Clock
    metrics: Metrics
    identity: str = "berth"
    issuers: tuple[Issuer, ...] = ()
    """Who hands out the tokens that objects are made of."""
    readers: tuple[Reader, ...] = ()
    """Who reads what plans ask about and no API server knows."""


class Engine:
    """Store, queue, reconciler and sweep of one process."""

    def __init__(self, table: Table, settings: Settings, outside: Outside) -> None:
        self._table = table
        self._settings = settings
        self._clock = outside.clock
        self.metrics = outside.metrics
        self.store = Store(table)
        self.queue = Queue(outside.clock, Backoff(settings.backoff_first_seconds, settings.backoff_most_seconds))
        self.events = Events(outside.api, outside.clock, outside.metrics, outside.identity)
        self._interests = Interests()
        self._tokens = Tokens(outside.issuers, outside.clock, outside.metrics)
        self._readings = Readings(outside.readers, self.store, self._interests, outside.metrics)
        parts = Parts(
            outside.api,
            self.store,
            self._interests,
            self.events,
            outside.metrics,
            outside.clock,
            settings,
            self._tokens,
        )
        self._reconciler = Reconciler(table, parts)
        self._lister = Lister(outside.api, settings)
        self.sweep = Sweep(outside.api, self.store, self._lister, outside.clock, outside.metrics)
        self._polled = Polled(table, outside.api, self.store, self._interests, outside.clock)
        self._subjects = {row.resource for row in table.controllers}
        self._pauses = {watch.resource: watch.look_seconds for watch in table.watches}
        self._wide_wakes: dict[Key, float] = {}
        self._lane = Lane.ROUTINE
        self.listed = asyncio.Event()
        """Every kind was listed: the store is whole, so that what is missing in it is missing."""
        self.store.listener = self._changed
        self._show_figures()

    def saw(self, resource: Resource, kind_of_event: str | None, body: Json) -> None:
        """An event from a watch; one without a kind comes from the watch's own list."""
        self._lane = Lane.CHANGE if kind_of_event else Lane.ROUTINE
        if kind_of_event is None:
            self.sweep.relisted()
        if kind_of_event == "DELETED":
            self.store.forget_body(body, resource)
        else:
            self.store.see(body, resource)
        self._lane = Lane.CHANGE

    @property
    def asked(self) -> int:
        """How many subjects wait for answers that may change."""
        return len(self._interests)

    async def list_all(self) -> None:
        """Fill the store. Nothing is reconciled before that: children that were not seen yet would look missing."""
        started = self._clock.monotonic()
        for watch in self._table.watches:
            for place in self._lister.places(watch):
                while not await self._list(watch.resource, place):  # noqa: ASYNC110  # asks the server, not us
                    await asyncio.sleep(_LIST_RETRY_SECONDS)
        self.listed.set()
        _log.info("listed %d objects in %.1f s", len(self.store), self._clock.monotonic() - started)

    async def work(self) -> None:
        """One worker. It never ends by itself."""
        await self.listed.wait()
        while True:
            key = await self.queue.get()
            try:
                await self._attempt(key)
            finally:
                self.queue.done(key)

    async def run(self) -> None:
        """Workers, sweep, looks, tokens, readings and events, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.events.run(), name="events")
            group.create_task(self.sweep.run(self._settings), name="sweep")
            group.create_task(self._polled.run(self._settings.sweep_seconds), name="polled")
            group.create_task(self._tokens.run(self.store.see), name="tokens")
            group.create_task(self._readings.run(), name="readings")
            for number in range(self._settings.workers):
                group.create_task(self.work(), name=f"worker {number}")

    async def _attempt(self, key: Key) -> None:
        started = self._clock.monotonic()
        if key in self._wide_wakes:
            self._wide_wakes[key] = started
        result = "error"
        try:
            outcome = await self._reconciler.reconcile(key)
            self.queue.succeeded(key)
            if outcome.again is not None:
                self.queue.add_after(key, outcome.again)
            result = "done"
        except Unsettled as reason:
            wait = self.queue.retry(key)
            _log.warning("%s is looked at again in %.2f s: %s", key, wait, reason)
            result = "unsettled"
        except WritesFenced:
            self.queue.retry(key, self._settings.retry_seconds)
            result = "fenced"
        except ApiError as error:
            wait = self.queue.retry(key, error.retry_after if isinstance(error, TooManyRequests) else 0.0)
            _log.info("%s is tried again in %.2f s: %s", key, wait, error)
        except Exception:  # noqa: BLE001  # a fault of ours must not end the worker
            wait = self.queue.retry(key)
            _log.exception("%s is tried again in %.2f s", key, wait)
            result = "bug"
        self.metrics.count("berth_reconciles_total", (("kind", key.resource.kind), ("result", result)))
        self.metrics.observe("berth_reconcile_seconds", self._clock.monotonic() - started)

    async def _list(self, resource: Resource, place: str) -> bool:
        watch = self._table.watch(resource)
        self._lane = Lane.ROUTINE
        try:
            async for page in self._lister.pages(watch, place):
                for item in page.items:
                    self.store.see(item, resource)
        except ApiError as error:
            _log.warning("cannot list %s, trying again: %s", resource, error)
            return False
        return True

    def _changed(self, before: Record | None, after: Record | None, by: Key | None) -> None:
        """Wake whoever a change concerns, but not the one who made it: it plans again by itself."""
        changed = after or before
        if changed is None:
            return
        lane = self._lane if by is None else Lane.CHANGE
        for record in (before, after):
            owner = self.store.subject_with(record.owner) if record is not None and record.owner else None
            if owner is not None and owner != by:
                self.queue.add(owner, lane)
        if changed.key.resource in self._subjects and changed.key != by:
            self.queue.add(changed.key, lane)
        for subject, wide in self._interests.touched_by(before, after, self.store):
            if subject == by:
                continue
            if wide:
                self._wake_later(subject, self._pauses[changed.key.resource])
            else:
                self.queue.add(subject, lane)
        if after is None:
            self._reconciler.forget(changed.key)
            self._wide_wakes.pop(changed.key, None)
            if changed.key.resource in self._subjects:
                self.queue.drop(changed.key)

    def _wake_later(self, subject: Key, pause: float) -> None:
        """A subject whose plan looked at a whole kind is woken by it once in a while at most, after a rest."""
        now = self._clock.monotonic()
        due = self._wide_wakes.get(subject, float("-inf")) + pause
        if due > now:
            self.queue.add_after(subject, due - now)
        else:
            self._wide_wakes[subject] = now
            self.queue.add(subject, Lane.ROUTINE)

    def _show_figures(self) -> None:
        metrics, queue, store = self.metrics, self.queue, self.store
        metrics.gauge("berth_queue_length", "Keys that wait for a worker.", lambda: float(len(queue)))
        metrics.gauge("berth_queue_failing", "Keys whose last attempt failed.", lambda: float(queue.failing()))
        metrics.gauge("berth_queue_oldest_seconds", "The longest wait for a worker.", queue.oldest_wait)
        metrics.gauge("berth_store_objects", "Objects in the store.", lambda: float(len(store)))
        metrics.describe("berth_reconciles_total", "Reconciliations by kind and result.")
        metrics.describe("berth_api_requests_total", "Requests to the API server by verb and code; code 0: no answer.")
