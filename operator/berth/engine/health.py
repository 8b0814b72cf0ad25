"""What the kubelet, Prometheus and a person at night ask: alive, ready, and the figures."""

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from berth.engine.clock import Clock
from berth.engine.metrics import Metrics
from berth.settings import Settings

if TYPE_CHECKING:
    from berth.engine.engine import Engine
    from berth.engine.lease import Leadership

_log = logging.getLogger(__name__)

_LAG_SECONDS = 5.0
_STUCK_SECONDS = 600.0
_TICK_SECONDS = 1.0
_SWEEPS_MISSED = 3


class Health:
    """Judges this process. An engine and a part in an election are given to it when they exist."""

    def __init__(self, clock: Clock, settings: Settings, metrics: Metrics) -> None:
        self._clock = clock
        self._settings = settings
        self._metrics = metrics
        self._lag = 0.0
        self.engine: Engine | None = None
        self.leadership: Leadership | None = None
        metrics.gauge("berth_loop_lag_seconds", "How late the event loop last was.", lambda: self._lag)

    def ailment(self) -> str:
        """Why this process should be started anew; empty when it is well."""
        if self._lag > _LAG_SECONDS:
            return f"the event loop was {self._lag:.1f} s late"
        engine = self.engine
        if engine is None or not engine.listed.is_set():
            return ""
        missed = self._clock.monotonic() - engine.sweep.finished_at
        if missed > _SWEEPS_MISSED * self._settings.sweep_seconds:
            return f"no sweep has finished for {missed:.0f} s"
        if engine.queue.oldest_wait() > _STUCK_SECONDS:
            return f"a key has been waiting for {engine.queue.oldest_wait():.0f} s"
        return ""

    def unready(self) -> str:
        """Why this process does not do its part yet; empty when it does. To wait for the lease is a part, too."""
        if self.engine is not None:
            return "" if self.engine.listed.is_set() else "not everything is listed yet"
        if self.leadership is not None and self.leadership.looked:
            return ""
        return "the lease was not read yet"

    async def watch_loop(self) -> None:
        """Measure how late the event loop is."""
        while True:
            due = self._clock.monotonic() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            self._lag = max(self._clock.monotonic() - due, 0.0)

    async def serve(self) -> None:
        """Answer until cancelled."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._figures)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._settings.health_address, self._settings.health_port)
            await site.start()
            _log.info("health and metrics on port %d", self._settings.health_port)
            await self.watch_loop()
        finally:
            await runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _answer(self.ailment())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _answer(self.unready())

    async def _figures(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


def _answer(trouble: str) -> web.Response:
    return web.Response(text=trouble or "ok", status=503 if trouble else 200)
