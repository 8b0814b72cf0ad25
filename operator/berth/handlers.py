"""Kopf, as nothing but the watcher: each event goes to the engine. It writes nothing, on no object, ever."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import kopf
from kopf._cogs.clients import watching
from kopf._core.reactor import queueing

from berth.engine.controller import Table, Watch
from berth.engine.credentials import Credentials
from berth.engine.listing import OUR_LABEL
from berth.plan.outcome import Json
from berth.resources import GROUP, Resource
from berth.settings import Settings

_log = logging.getLogger(__name__)

Sink = Callable[[Resource, str | None, Json], None]

_BACKOFFS = (1.0, 2.0, 4.0, 8.0)
_BACKOFF_AT_MOST = 15.0
_SET_UP_SECONDS = 0.5


class _Patience:
    """Waits between a watcher's failed requests, without an end: an API server that is away is no reason to die."""

    def __iter__(self) -> Iterator[float]:
        yield from _BACKOFFS
        while True:
            yield _BACKOFF_AT_MOST


class _NoState(kopf.DiffBaseStorage):
    """Kopf compares each object with the last one it handled. We do not ask it to: nothing is compared, or kept."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        return


class _NoProgress(kopf.ProgressStorage):
    """Nor does it have anything in progress."""

    def fetch(self, **_: Any) -> None:
        return

    def store(self, **_: Any) -> None:
        return

    def purge(self, **_: Any) -> None:
        return

    def touch(self, **_: Any) -> None:
        return

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def registry_for(table: Table, sink: Sink, credentials: Credentials) -> kopf.OperatorRegistry:
    """One handler for each watched kind, always by group, version and plural: our `services` are not the core's."""
    registry = kopf.OperatorRegistry()
    for watch in table.watches:
        _register(registry, watch, sink)

    @kopf.on.login(registry=registry, id="berth")  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
    async def login(**_: Any) -> kopf.AiohttpSession:  # pyright: ignore[reportUnusedFunction]
        # The session puts the present token into each request: no new login is needed until the server refuses one.
        await credentials.renew()
        return kopf.AiohttpSession(server=credentials.server, aiohttp_session=await credentials.session())

    return registry


def when_started(registry: kopf.OperatorRegistry, act: Callable[[], None]) -> None:
    """Do something once kopf has set itself up, such as to take back the signals that it takes after this activity."""

    @kopf.on.startup(registry=registry, id="started")
    async def started(**_: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        asyncio.get_running_loop().call_later(_SET_UP_SECONDS, act)


def _register(registry: kopf.OperatorRegistry, watch: Watch, sink: Sink) -> None:
    """Name a kind to kopf, which watches what has a handler.

    The filter takes events in, and wants none handled. It is asked only by a kopf that no longer gives its streams to
    `_feed`: that costs more, and works as well.
    """
    resource = watch.resource

    def take(event: kopf.RawEvent, **_: Any) -> bool:
        sink(resource, event["type"], event["object"])  # type: ignore[arg-type]  # the raw JSON
        return False

    @kopf.on.event(
        group=resource.group,
        version=resource.version,
        plural=resource.plural,
        when=take,
        registry=registry,
        id=str(resource),
    )
    async def never(**_: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        return


async def _feed(table: Table, sink: Sink, **given: Any) -> None:
    """One kind's stream of events, in the place of kopf's queue and task for each object (ADR 21).

    Lists, reconnections and patience stay kopf's. The engine has a queue of its own, and keeps what it needs of an
    object: that kopf keeps another record of each, and wakes a task for each event, cost a third of our processor time.
    """
    seen: kopf.Resource = given["resource"]
    resource = next(one.resource for one in table.watches if _names(seen) == _names(one.resource))
    chosen = {key: given[key] for key in ("settings", "resource", "namespace", "operator_paused")}
    events: AsyncIterator[Any] = watching.infinite_watch(**chosen)
    async for event in events:
        if event is watching.Bookmark.LISTED and given["resource_indexed"] is not None:
            await given["operator_indexed"].drop_toggle(given["resource_indexed"])
        if isinstance(event, watching.Bookmark) or event["type"] == "BOOKMARK":
            continue
        try:
            sink(resource, event["type"], event["object"])
        except Exception:  # noqa: BLE001  # one odd object must not end a watch
            _log.exception("an event of %s is passed over; the sweep will find what it told", resource)


def _names(resource: kopf.Resource | Resource) -> tuple[str, str, str]:
    return (resource.group, resource.version, resource.plural)


def watcher_settings(table: Table, settings: Settings) -> kopf.OperatorSettings:
    """Kopf as measured: no worker outlives its object's event for long, streams that died are noticed."""
    chosen = kopf.OperatorSettings()
    chosen.queueing.idle_timeout = 0.2
    chosen.queueing.worker_limit = None
    chosen.watching.chunk_size = settings.list_chunk
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 330
    chosen.watching.connect_timeout = 5
    chosen.watching.inactivity_timeout = 70
    chosen.watching.initial_streaming = False
    chosen.networking.request_timeout = settings.request_timeout_seconds
    chosen.networking.connect_timeout = 5
    chosen.networking.error_backoffs = _Patience()
    chosen.scanning.disabled = True
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.process.ultimate_exiting_timeout = None
    # Kopf takes its finalizer off objects on its own: no object has one of this name, whoever else runs kopf.
    chosen.persistence.finalizer = f"{GROUP}/never"
    chosen.persistence.diffbase_storage = _NoState()
    chosen.persistence.progress_storage = _NoProgress()
    for watch in table.watches:
        if watch.ours:
            chosen.watching.label_selectors[_names(watch.resource)] = OUR_LABEL
        if watch.named:
            chosen.watching.field_selectors[_names(watch.resource)] = f"metadata.name={watch.named}"
    return chosen


async def watch(table: Table, settings: Settings, registry: kopf.OperatorRegistry, sink: Sink) -> None:
    """Watch until cancelled. Kinds of the whole cluster are watched in namespaced mode, too."""
    queueing.watcher = functools.partial(_feed, table, sink)
    await kopf.operator(
        registry=registry,
        settings=watcher_settings(table, settings),
        clusterwide=not settings.namespaces,
        namespaces=list(settings.namespaces),
        standalone=True,
    )
