"""Events about subjects, told in the background: never worth a failed or a late reconciliation."""

import asyncio
import logging
from collections import OrderedDict

from berth.engine.api import Api
from berth.engine.clock import Clock
from berth.engine.errors import ApiError, WritesFenced
from berth.engine.metrics import Metrics
from berth.engine.store import Record
from berth.names import FIELD_MANAGER, short
from berth.plan.outcome import Event, Json
from berth.resources import EVENT

_log = logging.getLogger(__name__)

_BACKLOG = 1000
_PER_SECOND = 20.0
_REMEMBERED = 4096
_REPEAT_SECONDS = 300.0
_NOTE_LIMIT = 1024
_NAME_LIMIT = 230


class Events:
    """A bounded backlog and one slow sender, so that telling never competes with doing.

    What does not fit, or fails, is counted and dropped.
    """

    def __init__(self, api: Api, clock: Clock, metrics: Metrics, identity: str) -> None:
        self._api = api
        self._clock = clock
        self._metrics = metrics
        self._identity = identity
        self._backlog: asyncio.Queue[Json] = asyncio.Queue(_BACKLOG)
        self._told: OrderedDict[tuple[str, Event], float] = OrderedDict()

    def tell(self, subject: Record, events: tuple[Event, ...]) -> None:
        """Take events on; the same one about the same object is told once in five minutes."""
        now = self._clock.monotonic()
        for event in events:
            known = self._told.get((subject.uid, event))
            if known is not None and now - known < _REPEAT_SECONDS:
                continue
            self._told[subject.uid, event] = now
            self._told.move_to_end((subject.uid, event))
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            try:
                self._backlog.put_nowait(self._manifest(subject, event))
            except asyncio.QueueFull:
                self._metrics.count("berth_events_dropped_total")

    async def run(self) -> None:
        while True:
            manifest = await self._backlog.get()
            try:
                await self._api.create(EVENT.path(manifest["metadata"]["namespace"]), manifest)
            except (ApiError, WritesFenced) as error:
                self._metrics.count("berth_events_dropped_total")
                _log.debug("an event was dropped: %s", error)
            await asyncio.sleep(1 / _PER_SECOND)

    def _manifest(self, subject: Record, event: Event) -> Json:
        key = subject.key
        now = self._clock.now()
        unique = short(f"{subject.uid} {now.isoformat()} {event}")
        return {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {"name": f"{key.name[:_NAME_LIMIT]}.{unique}", "namespace": key.namespace or "default"},
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": FIELD_MANAGER,
            "reportingInstance": self._identity[:128],
            "action": "Reconcile",
            "type": event.type,
            "reason": event.reason,
            "note": event.message[:_NOTE_LIMIT],
            "regarding": {
                "apiVersion": key.resource.api_version,
                "kind": key.resource.kind,
                "name": key.name,
                "uid": subject.uid,
                **({"namespace": key.namespace} if key.namespace else {}),
            },
        }
