"""The leanest client that can be written here: one session, bytes out, bytes in."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import orjson

from berth.lab import Lab

Json = dict[str, Any]
Item = TypeVar("Item")

SIDE_BY_SIDE = 16
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_REFUSED = 400


@dataclass(frozen=True, slots=True)
class Write:
    """One request, ready to be sent."""

    verb: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"


class Client:
    """Sends requests as one user of a lab, over TLS as anybody does."""

    def __init__(self, lab: Lab, user: str) -> None:
        self._server = lab.server
        self._certificates = ssl.create_default_context(cafile=str(lab.ca_file))
        self._headers = {"Authorization": f"Bearer {lab.token(user)}", "User-Agent": user}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._certificates, keepalive_timeout=600)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, write: Write) -> bytes:
        assert self._session is not None, "use it as a context"
        headers = {"Content-Type": write.content_type}
        url = self._server + write.path
        async with self._session.request(write.verb, url, data=write.body, headers=headers) as response:
            answer = await response.read()
        if response.status >= _REFUSED:
            raise RuntimeError(f"{write.verb} {write.path}: {response.status} {answer.decode(errors='replace')}")
        return answer

    async def items(self, path: str) -> list[Json]:
        answer: Json = orjson.loads(await self.send(Write("GET", path)))
        return list(answer["items"])


def create(path: str, body: Json) -> Write:
    return Write("POST", path, orjson.dumps(body))


def merge(path: str, body: Json) -> Write:
    return Write("PATCH", path, orjson.dumps(body), MERGE)


async def side_by_side(work: Iterable[Item], do: Callable[[Item], Awaitable[None]]) -> None:
    """All of the work, so many at a time, each in its order."""
    left = iter(work)

    async def one_worker() -> None:
        for item in left:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(SIDE_BY_SIDE):
            group.create_task(one_worker())
