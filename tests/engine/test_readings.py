"""What plans ask about and no API server knows: read while somebody asks, forgotten when nobody does."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection, Mapping

from berth.controllers import TABLE
from berth.engine.interest import ONE, Interests
from berth.engine.key import Key
from berth.engine.metrics import Metrics
from berth.engine.readings import NotRead, Readings
from berth.engine.store import Record, Store
from berth.plan.outcome import Json
from berth.resources import ALERT, SERVICE
from support.virtual_time import virtual

WEB, BLOG = Key(SERVICE, "shop", "web"), Key(SERVICE, "shop", "blog")
ERRORS = Key(ALERT, "shop", "HighErrorRate")


class Server:
    """Says what it is told to."""

    resource = ALERT
    seconds = 15.0

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.state: Json = {"state": "OK"}
        self.problem: Exception | None = None

    async def read(self, asked: Collection[Key]) -> Mapping[Key, Json]:
        self.asked.append({key.name for key in asked})
        if self.problem is not None:
            raise self.problem
        return dict.fromkeys(asked, self.state)


class Rig:
    def __init__(self) -> None:
        self.server, self.store, self.interests, self.metrics = Server(), Store(TABLE), Interests(), Metrics()
        self.changes: list[Json] = []
        self.store.listener = self._changed
        self.readings = Readings((self.server,), self.store, self.interests, self.metrics)

    def _changed(self, _before: Record | None, after: Record | None, _by: Key | None) -> None:
        body = after.body() if after is not None else {"gone": True}
        self.changes.append({key: value for key, value in body.items() if key != "metadata"})

    def asks(self, subject: Key, *names: str) -> None:
        self.interests.replace(subject, {(ALERT, ONE, "shop", name) for name in names})


@contextlib.asynccontextmanager
async def running() -> AsyncGenerator[Rig]:
    rig = Rig()
    work = asyncio.create_task(rig.readings.run())
    try:
        yield rig
    finally:
        work.cancel()
        await asyncio.wait((work,))


@virtual
async def test_nobody_is_asked_while_nobody_asks() -> None:
    async with running() as rig:
        await asyncio.sleep(3600)
        assert rig.server.asked == []
        rig.asks(WEB, "HighErrorRate")
        await asyncio.sleep(61)
        assert len(rig.server.asked) == 5, "at once, and every 15 seconds"
        rig.asks(WEB)
        await asyncio.sleep(3600)
        assert len(rig.server.asked) == 5
        assert rig.store.get(ERRORS) is None, "the next who asks is not answered with old news"


@virtual
async def test_only_what_changes_wakes_anybody() -> None:
    async with running() as rig:
        rig.asks(WEB, "HighErrorRate")
        await asyncio.sleep(600)
        assert rig.changes == [{"state": "OK"}]
        rig.server.state = {"state": "ALARM", "since": "2026-01-02T03:04:05Z"}
        await asyncio.sleep(600)
        assert rig.changes == [{"state": "OK"}, rig.server.state]


@virtual
async def test_another_question_is_answered_at_once() -> None:
    async with running() as rig:
        rig.asks(WEB, "HighErrorRate")
        await asyncio.sleep(1)
        rig.asks(BLOG, "HighErrorRate", "SlowAnswers")
        await asyncio.sleep(1)
        assert rig.server.asked == [{"HighErrorRate"}, {"HighErrorRate", "SlowAnswers"}]
        await asyncio.sleep(14)
        assert len(rig.server.asked) == 3


@virtual
async def test_what_cannot_be_read_says_why_and_is_tried_less_often() -> None:
    async with running() as rig:
        rig.server.problem = NotRead("Prometheus answered 503")
        rig.asks(WEB, "HighErrorRate")
        await asyncio.sleep(600)
        assert rig.changes == [{"problem": "Prometheus answered 503"}]
        assert 5 <= len(rig.server.asked) <= 9
        rig.server.problem = ValueError("a secret of theirs")
        await asyncio.sleep(240)
        assert "ValueError" in rig.changes[-1]["problem"]
        assert "secret" not in str(rig.changes)
        rig.server.problem = None
        await asyncio.sleep(240)
        assert rig.changes[-1] == {"state": "OK"}
        before = len(rig.server.asked)
        await asyncio.sleep(60)
        assert len(rig.server.asked) - before == 4
