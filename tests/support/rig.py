"""A real engine on a fake API server and virtual time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from berth.engine.api import Api, Limits
from berth.engine.controller import Table
from berth.engine.engine import Engine, Outside
from berth.engine.key import key_of
from berth.engine.metrics import Metrics
from berth.engine.tokens import Issuer
from berth.names import FIELD_MANAGER, MANAGED_BY
from berth.plan.outcome import Json
from berth.resources import DEPLOYMENT, EVENT, LEASE, Resource
from berth.settings import Settings
from support.fake_api import Server
from support.toy import NOTE, PAGE, PALETTE, TABLE, THING
from support.virtual_time import VirtualClock


def server() -> Server:
    return Server(THING, PALETTE, NOTE, PAGE, DEPLOYMENT, EVENT, LEASE)


class Rig:
    """One operator process's engine and the server it works on."""

    def __init__(
        self, api_server: Server, settings: Settings, table: Table = TABLE, issuers: tuple[Issuer, ...] = ()
    ) -> None:
        self.server = api_server
        self._table = table
        clock, self.metrics = VirtualClock(), Metrics()
        self.api = Api(api_server, clock, Limits(settings.writes_per_second), self.metrics)
        self.engine = Engine(table, settings, Outside(self.api, clock, self.metrics, issuers=issuers))

    def watch(self, resource: Resource, event: str, body: Json) -> None:
        """What a watch would tell: of watched kinds alone, and of children as long as they carry our label."""
        watch = next((one for one in self._table.watches if one.resource == resource), None)
        if watch is None:
            return
        if watch.ours and body["metadata"].get("labels", {}).get(MANAGED_BY) != FIELD_MANAGER:
            if self.engine.store.get(key_of(resource, body)) is None:
                return
            event = "DELETED"
        self.engine.saw(resource, event, body)

    async def settle(self, seconds: float = 3.0) -> None:
        """Let time pass, so that all that was going to happen has happened."""
        await asyncio.sleep(seconds)

    async def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  # virtual time costs nothing
                await asyncio.sleep(0.01)

    def status(self, name: str) -> Json:
        body = self.server.get(THING, name)
        found: Json = (body or {}).get("status", {})
        return found

    def texts(self) -> dict[str, str]:
        """What the pages say."""
        found = {name: self.server.get(PAGE, name) for name in self.server.names(PAGE)}
        return {name: body["data"].get("text", "") for name, body in found.items() if body}


@contextlib.asynccontextmanager
async def running(
    api_server: Server, table: Table = TABLE, issuers: tuple[Issuer, ...] = (), **settings: object
) -> AsyncGenerator[Rig]:
    """An engine that has listed everything and works, with the server's events coming in."""
    rig = Rig(api_server, Settings.model_validate(settings), table, issuers)
    await rig.engine.list_all()
    watcher = rig.watch
    api_server.watchers.append(watcher)
    work = asyncio.create_task(rig.engine.run())
    try:
        yield rig
    finally:
        api_server.watchers.remove(watcher)
        work.cancel()
        await asyncio.wait((work,))
