"""The engine in the test's own process, against a real API server."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from berth.controllers import TABLE
from berth.engine.api import Api, Limits
from berth.engine.clock import Clock, SystemClock
from berth.engine.credentials import Credentials, from_kubeconfig
from berth.engine.discovery import served
from berth.engine.engine import Engine, Outside
from berth.engine.key import Key
from berth.engine.metrics import Metrics
from berth.engine.reconcile import Unsettled
from berth.engine.tokens import Token
from berth.engine.transport import HttpTransport
from berth.plan.outcome import Json
from berth.resources import ALERT, TOKEN
from berth.settings import Settings
from support.golden import TOKENS

READS = frozenset({"GET"})


@asynccontextmanager
async def engine_on(
    kubeconfig: Path, settings: Settings | None = None, clock: Clock | None = None
) -> AsyncGenerator[Engine]:
    """An engine that has listed the cluster; the test decides when it reconciles."""
    settings = settings or Settings()
    credentials = Credentials(lambda: from_kubeconfig(str(kubeconfig)))
    transport, metrics = HttpTransport(credentials), Metrics()
    clock = clock or SystemClock()
    api = Api(transport, clock, Limits(settings.writes_per_second, settings.request_timeout_seconds), metrics)
    table = TABLE.using(await served(api, TABLE.optional(settings.options)))
    engine = Engine(table, settings, Outside(api, clock, metrics, "test"))
    try:
        await engine.list_all()
        yield engine
    finally:
        await transport.close()


class StoppedAt(SystemClock):
    """A clock that shows what a golden world says."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


def hold(engine: Engine, given: Json, namespace: str = "") -> None:
    """The tokens of a golden world, as if they had been issued, and its alerts, as if they had been read."""
    for one in given.get("objects", ()):
        if one["kind"] == ALERT.kind:
            engine.store.see({**one, "metadata": {**one["metadata"], "namespace": namespace}}, ALERT)
        if one["kind"] == "Token":
            name = one["metadata"]["name"]
            engine.store.see(one, TOKEN)
            if "issued" in one:
                times = (datetime.fromisoformat(one[key]) for key in ("issued", "expires"))
                engine._tokens._held[name] = Token(TOKENS[name], *times)


async def reconcile(engine: Engine, key: Key) -> None:
    """One turn of one subject, and those that it asks for at once; that it must wait is an answer, too."""
    try:
        # The queue decides when, and the test is the queue.
        while (await engine._reconciler.reconcile(key)).again == 0:
            continue
    except Unsettled:
        return


def writes(engine: Engine) -> int:
    """The writes that this engine has sent so far, events aside."""
    counters = engine.metrics._counters.get("berth_api_requests_total", {})  # by label
    return int(sum(count for labels, count in counters.items() if dict(labels)["verb"] not in READS))
