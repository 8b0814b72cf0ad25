"""Requests over HTTP: one aiohttp session, raw bytes."""

import asyncio

import aiohttp

from berth.engine.api import Answer, Request
from berth.engine.credentials import Credentials
from berth.engine.errors import Unavailable

_CONNECT_SECONDS = 5.0


class HttpTransport:
    """The way to a real API server. Connections are kept and shared."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._session: aiohttp.ClientSession | None = None
        self._renewing = asyncio.Lock()

    async def send(self, request: Request) -> Answer:
        session = self._session or await self._open()
        headers = {"Accept": request.accept}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        try:
            async with session.request(
                request.verb,
                self._credentials.server + request.path,
                params=request.query,
                data=request.body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return Answer(response.status, await response.read(), response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{type(error).__name__}: {error}") from error

    async def renew_login(self) -> None:
        """Fetch credentials anew; a new session takes them up, certificates included. Many ask at once: one fetches."""
        asked_for = self._session
        async with self._renewing:
            if self._session is asked_for:
                await self._credentials.renew()
                await self.close()

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _open(self) -> aiohttp.ClientSession:
        self._session = await self._credentials.session(
            aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
        )
        return self._session
