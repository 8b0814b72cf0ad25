"""One operator process on the fake server: the real engine, the real handlers, and watches as kopf runs them."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, cast

from berth.engine.api import Answer, Api, Limits, Request
from berth.engine.controller import Table, Watch
from berth.engine.credentials import Credentials, Login
from berth.engine.discovery import wait_for_kinds
from berth.engine.engine import Engine, Outside
from berth.engine.errors import Unavailable
from berth.engine.lease import Leadership
from berth.engine.metrics import Metrics
from berth.handlers import registry_for, watcher_settings
from berth.plan.outcome import Json
from berth.settings import Settings
from faults.fault import WRITES, Call, Drop, Effect, End, Fault, Gap
from faults.http import Http, selected
from faults.server import Event, Server
from support.virtual_time import VirtualClock

LATENCY = 0.002

OPERATOR = "berth"
_NOBODY = Credentials(lambda: Login("", certificates=False, authorization=str))
"""Nobody logs in here, but handlers are registered with credentials."""


class Killed(Exception):  # noqa: N818  # an end, not a fault
    """The process was killed."""


class Wire:
    """The process's connection: each request passes the fault on its way there and on its way back."""

    def __init__(self, server: Server, fault: Fault, user: str, kill: Callable[[], None]) -> None:
        self._server = server
        self._http = Http(server, user)
        self._fault = fault
        self._kill = kill
        self.dead = False
        self.sent: list[Call] = []

    async def send(self, request: Request) -> Answer:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(LATENCY)
        if self.dead:
            await _never()
        call = self._fault.call(request, loop.time())
        self.sent.append(call)
        answer = await self._effect(self._fault.before(call))
        if answer is not None:
            return answer
        answer = self._http.serve(request, self._snapshot(request))
        instead = await self._effect(self._fault.after(call))
        await asyncio.sleep(LATENCY)
        if self.dead:
            await _never()
        return instead or answer

    async def renew_login(self) -> None:
        return

    async def close(self) -> None:
        return

    async def _effect(self, effect: Effect) -> Answer | None:
        if effect is End.KILL:
            self._kill()
            await _never()
        if effect is End.HANG:
            await _never()
        if effect is End.RESET:
            raise Unavailable("connection reset")
        return effect if isinstance(effect, Answer) else None

    def _snapshot(self, request: Request) -> int | None:
        if request.verb in WRITES:
            return None
        for watch in _watches():
            if request.path == watch.resource.path():
                time = asyncio.get_running_loop().time()
                return self._fault.snapshot(watch.resource, time, self._server.revision)
        return None


class Process:
    """One start of the operator."""

    def __init__(self, server: Server, fault: Fault, table: Table, settings: Settings, seed: int) -> None:  # noqa: PLR0913, PLR0917
        self._server, self._fault, self._table, self._settings = server, fault, table, settings
        self.user = settings.identity or OPERATOR
        self.wire = Wire(server, fault, self.user, self.kill)
        self.metrics = Metrics()
        clock = VirtualClock()
        limits = Limits(settings.writes_per_second, settings.request_timeout_seconds)
        self.api = Api(self.wire, clock, limits, self.metrics)
        self.engine = Engine(table, settings, Outside(self.api, clock, self.metrics, self.user))
        self.engine.queue._random = random.Random(seed)  # noqa: S311  # the same waits in every run of a plan
        self.leadership: Leadership | None = None
        if settings.leader_election:
            self.leadership = Leadership(self.api, clock, settings, self.user, self.metrics)
            self.api.gate = self.leadership.time_left
        self._tasks: list[asyncio.Task[None]] = []
        self._broken_until = -1.0
        self._relist = 0
        self.ended = asyncio.Event()
        self.crashes: list[str] = []

    def start(self) -> None:
        self._spawn(self._run())

    def kill(self) -> None:
        """SIGKILL: nothing of it runs on, nothing it asked for later is served."""
        self.wire.dead = True
        for task in self._tasks:
            task.cancel()
        self.ended.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._finished)
        self._tasks.append(task)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.wire.dead:
            self.crashes.append(repr(error))
            self.kill()

    async def _run(self) -> None:
        if self.leadership is not None:
            await self.leadership.acquire()
            self._spawn(self._hold(self.leadership))
        await wait_for_kinds(self.api, [one.resource for one in self._table.watches])
        await self.engine.list_all()
        self._spawn(self.engine.run())
        registry = registry_for(self._table, self.engine.saw, _NOBODY)
        selectors = watcher_settings(self._table, self._settings).watching.label_selectors
        for watch, handler in zip(self._table.watches, registry._watching._handlers, strict=True):
            resource = watch.resource
            selector = selectors.get((resource.group, resource.version, resource.plural), "")
            take = cast("Callable[..., bool]", handler.when)
            self._spawn(self._watch(watch, str(selector), take))

    async def _hold(self, leadership: Leadership) -> None:
        try:
            await leadership.hold()
        finally:
            self.kill()

    # One watch of one kind, as kopf has it: a list, then what happened since, then again.

    async def _watch(self, watch: Watch, selector: str, take: Callable[..., bool]) -> None:
        query = {"labelSelector": selector} if selector else {}
        loop = asyncio.get_running_loop()
        while True:
            relist = self._relist
            stuck = self._fault.snapshot(watch.resource, loop.time(), self._server.revision)
            cursor = self._server.revision if stuck is None else stuck
            await asyncio.sleep(LATENCY)
            for live in self._server.at(watch.resource, "", cursor):
                if selected(live, query):
                    take(event={"type": None, "object": live.shown()})
            while relist == self._relist:
                cursor = await self._stream(watch, query, take, cursor)

    async def _stream(self, watch: Watch, query: Json, take: Callable[..., bool], cursor: int) -> int:
        """Deliver what happened after the cursor; answers where it stands then."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._broken_until:
            await asyncio.sleep(self._broken_until - loop.time())
            return cursor
        if not self._server.since(watch.resource, cursor):
            if not self._outdated(watch, cursor):
                await self._server.news(watch.resource)
            return cursor
        await asyncio.sleep(self._fault.window(loop.time()) or LATENCY)
        stuck = self._fault.snapshot(watch.resource, loop.time(), self._server.revision)
        if stuck is not None:
            await asyncio.sleep(1.0)
            return cursor
        relist = self._relist
        for event in self._gathered(self._server.since(watch.resource, cursor)):
            if loop.time() < self._broken_until or relist != self._relist:
                return cursor
            if await self._deliver(event, query, take):
                cursor = event.revision
        return cursor

    def _outdated(self, watch: Watch, cursor: int) -> bool:
        """A watch from before the last compaction begins anew, if anything was forgotten that it had to tell."""
        if cursor < self._server.compacted and self._server.since(watch.resource, cursor):
            self._relist += 1
            return True
        return False

    def _gathered(self, events: list[Event]) -> list[Event]:
        if not self._fault.window(asyncio.get_running_loop().time()):
            return events
        last = {event.key: event for event in events}
        return [event for event in events if last[event.key] is event]

    async def _deliver(self, event: Event, query: Json, take: Callable[..., bool]) -> bool:
        """Hand one event to the handler. False when the watch broke before it."""
        loop = asyncio.get_running_loop()
        kind = _kind_for(event, query)
        if kind is None:
            return True
        fate = self._fault.deliver(self._fault.delivery(event, loop.time()))
        if isinstance(fate, Gap):
            self._broken_until = loop.time() + fate.seconds
            if fate.compacted:
                self._relist += 1
            loop.call_later(fate.seconds, self._server.wake)
            return False
        if fate is End.KILL:
            self.kill()
            await _never()
        if isinstance(fate, Drop):
            return True
        live = event.live if kind != "DELETED" or event.type == "DELETED" or event.before is None else event.before
        body = live.shown()
        body["metadata"]["resourceVersion"] = str(event.revision)
        wait = self._fault.delay(event, loop.time())
        if wait:
            loop.call_later(wait, self._take, take, {"type": kind, "object": body})
        else:
            self._take(take, {"type": kind, "object": body})
        return True

    def _take(self, take: Callable[..., bool], event: Json) -> None:
        if not self.wire.dead:
            take(event=event)


def _kind_for(event: Event, query: Json) -> str | None:
    """What a watch by label is told: an object that lost the label is gone for it."""
    after = event.type != "DELETED" and selected(event.live, query)
    before = event.before is not None and selected(event.before, query)
    if after:
        return "MODIFIED" if before else "ADDED"
    return "DELETED" if before else None


def _watches() -> tuple[Watch, ...]:
    from berth.controllers import TABLE  # noqa: PLC0415  # a mutant may have another

    return TABLE.watches


async def _never() -> None:
    await asyncio.get_running_loop().create_future()
