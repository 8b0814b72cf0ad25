"""berth run: settings, credentials, the lease, the engine and kopf, in one event loop."""

import asyncio
import gc
import importlib.util
import logging
import os
import signal
import sys

import orjson
from pydantic import ValidationError

from berth.alerts import readers
from berth.ecr import issuers
from berth.engine.api import Api, Limits
from berth.engine.clock import SystemClock
from berth.engine.controller import Table
from berth.engine.credentials import Credentials, NoCredentials, find_credentials
from berth.engine.discovery import served, until_kinds_change, wait_for_kinds
from berth.engine.engine import Engine, Outside
from berth.engine.features import features_of
from berth.engine.health import Health
from berth.engine.lease import Leadership, LeaseLost, identity_of
from berth.engine.metrics import Metrics
from berth.engine.transport import HttpTransport
from berth.handlers import registry_for, watch, when_started
from berth.resources import Resource
from berth.settings import PREFIX, Settings

_log = logging.getLogger("berth")

EXIT_LEASE_LOST = 3
EXIT_SETTINGS = 2
EXIT_KINDS_CHANGED = 4
_COLLECT_AFTER = (20_000, 20, 20)


class KindsChanged(Exception):  # noqa: N818  # a finding, not a fault
    """The cluster has other kinds than at the start."""


class _JsonLines(logging.Formatter):
    """One JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class Operator:
    """One process of the operator, from the first request to the last."""

    def __init__(self, table: Table, settings: Settings, credentials: Credentials) -> None:
        self._table = table
        self._settings = settings
        self._credentials = credentials
        self._clock = SystemClock()
        self.metrics = Metrics()
        self._identity = identity_of(settings)
        limits = Limits(settings.writes_per_second, settings.request_timeout_seconds)
        self._transport = HttpTransport(credentials)
        self._api = Api(self._transport, self._clock, limits, self.metrics)
        self._health = Health(self._clock, settings, self.metrics)
        self._leadership: Leadership | None = None
        self._stop = asyncio.Event()
        self._writers: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Run until SIGTERM, SIGINT or the loss of the lease (which raises)."""
        self._take_signals()
        work = asyncio.create_task(self._work(), name="operator")
        stopped = asyncio.create_task(self._stop.wait(), name="signal")
        try:
            await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            await self._hand_over()
            work.cancel()
            await asyncio.wait((work,))
            await self._transport.close()
        if not work.cancelled():
            work.result()

    async def _hand_over(self) -> None:
        """Stop writing, then let another replica lead: it need not wait until the watches are closed."""
        _log.info("stopping")
        for writer in self._writers:
            writer.cancel()
        if self._writers:
            await asyncio.wait(self._writers)
        if self._leadership is not None:
            await self._leadership.release()

    def _take_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._settings.health_port:
                group.create_task(self._health.serve(), name="health")
            if self._settings.leader_election:
                await self._lead()
                self._writers.append(group.create_task(self._hold(), name="lease"))
            await self._serve(group)

    async def _lead(self) -> None:
        self._leadership = Leadership(self._api, self._clock, self._settings, self._identity, self.metrics)
        self._health.leadership = self._leadership
        self._api.gate = self._leadership.time_left
        await self._leadership.acquire()

    async def _hold(self) -> None:
        if self._leadership is not None:
            await self._leadership.hold()

    async def _with_features(self) -> Settings:
        """The settings with what the API server can do, unless somebody said it."""
        settings = self._settings
        if settings.features is not None:
            return settings
        places = (*settings.namespaces, settings.operator_namespace, "default")
        found = await features_of(self._api, self._table.features, places)
        return settings.model_copy(update={"features": tuple(sorted(found))})

    async def _serve(self, group: asyncio.TaskGroup) -> None:
        optional = self._table.optional(self._settings.options)
        present = await served(self._api, optional)
        table = self._table.using(present)
        await wait_for_kinds(self._api, [one.resource for one in table.watches])
        settings = await self._with_features()
        outside = Outside(
            self._api,
            self._clock,
            self.metrics,
            self._identity,
            issuers(settings.platform, self._clock),
            readers(settings.platform),
        )
        engine = Engine(table, settings, outside)
        self._health.engine = engine
        await engine.list_all()
        self._writers.append(group.create_task(engine.run(), name="engine"))
        group.create_task(self._watch_kinds(optional, present), name="kinds")
        # Kopf, when it ends, waits for each task that began after it: let our workers begin before.
        await asyncio.sleep(0.1)
        registry = registry_for(table, engine.saw, self._credentials)
        when_started(registry, self._take_signals)
        await watch(table, self._settings, registry, engine.saw)
        self._stop.set()  # a signal that kopf still caught
        await asyncio.Event().wait()

    async def _watch_kinds(self, optional: tuple[Resource, ...], present: frozenset[Resource]) -> None:
        """Kopf serves no kind that appears later: when one came or went, the process ends, to be started anew."""
        await until_kinds_change(self._api, optional, present, self._settings.sweep_seconds)
        raise KindsChanged


def set_up_logging(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(_JsonLines())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # Kopf tells of each event's handling; our own log says what was done.
    logging.getLogger("kopf").setLevel(logging.DEBUG if settings.log_level == "debug" else logging.WARNING)


def calm_collector() -> None:
    """Look for cycles less often: with Python's thresholds a fifth of our processor time went into that (ADR 21)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def operate(table: Table, settings: Settings) -> int:
    """Run one operator process over a table. Returns its exit code."""
    set_up_logging(settings)
    calm_collector()
    code = 0
    try:
        asyncio.run(Operator(table, settings, find_credentials()).run())
    except* LeaseLost as lost:
        _log.critical("%s; the process ends, so that it is started anew", lost.exceptions[0])
        code = EXIT_LEASE_LOST
    except* KindsChanged:
        _log.warning("the process ends, so that it is started anew")
        code = EXIT_KINDS_CHANGED
    return code


def run() -> None:
    """Run the operator; settings are the environment variables BERTH_*."""
    from berth.controllers import TABLE  # noqa: PLC0415  # nothing but this command needs the plans

    try:
        settings = Settings.from_environment(os.environ)
    except ValidationError as error:
        for fault in error.errors():
            name = PREFIX + "_".join(str(part) for part in fault["loc"][:1]).upper()
            place = f" at {'.'.join(map(str, fault['loc'][1:]))}" if fault["loc"][1:] else ""
            page = "platform.md" if name == f"{PREFIX}PLATFORM" else "settings.md"
            print(f"wrong setting {name}{place}: {fault['msg']} (docs/reference/{page} lists all)", file=sys.stderr)
        sys.exit(EXIT_SETTINGS)
    if settings.platform.ecr.registries and importlib.util.find_spec("awscrt") is None:
        print("ecr.registries of the platform file needs the package awscrt: install berth[ecr]", file=sys.stderr)
        sys.exit(EXIT_SETTINGS)
    try:
        sys.exit(operate(TABLE, settings))
    except NoCredentials as reason:
        print(f"{reason}. Set KUBECONFIG to a file that `kubectl` can use", file=sys.stderr)
        sys.exit(EXIT_SETTINGS)
