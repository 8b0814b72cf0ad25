"""The one place that every request to the API server goes through."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import orjson

from berth.engine.clock import Clock
from berth.engine.errors import TooManyRequests, Unavailable, WritesFenced, error_for
from berth.engine.metrics import Metrics
from berth.names import FIELD_MANAGER
from berth.plan.outcome import Json

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Query = Mapping[str, str]
Gate = Callable[[], float]
"""Seconds for which this process may still write; 0 or less forbids it."""

_HTTP_ERROR = 400
_UNAUTHORIZED = 401
_BURST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as a transport sends it."""

    verb: str
    path: str
    body: bytes | None = None
    query: Query = field(default_factory=dict[str, str])
    content_type: str = JSON
    accept: str = JSON
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    code: int
    body: bytes
    retry_after: str | None = None


class Transport(Protocol):
    """Carries requests: to a server, or to a fake one in tests. Raises Unavailable when there is no answer."""

    async def send(self, request: Request) -> Answer: ...

    async def renew_login(self) -> None:
        """Get new credentials after the server refused the present ones."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard the API server may be pressed."""

    writes_per_second: float = 500.0
    timeout: float = 30.0


class Api:
    """Requests by verb. Writes pass a gate (is this process still the leader?) and a token bucket."""

    def __init__(self, transport: Transport, clock: Clock, limits: Limits, metrics: Metrics) -> None:
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._metrics = metrics
        self._tokens = limits.writes_per_second * _BURST_SECONDS
        self._filled = clock.monotonic()
        self._patience = 0.0
        self.gate: Gate = _open

    async def get(self, path: str, query: Query | None = None, accept: str = JSON) -> Json:
        return await self.send(Request("GET", path, query=query or {}, accept=accept, timeout=self._limits.timeout))

    async def apply(self, path: str, body: Json, *, force: bool) -> Json:
        """Server-side apply as our field manager."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        return await self.write(Request("PATCH", path, orjson.dumps(body), query, APPLY))

    async def merge(self, path: str, body: Json) -> Json:
        query = {"fieldManager": FIELD_MANAGER}
        return await self.write(Request("PATCH", path, orjson.dumps(body), query, MERGE))

    async def create(self, path: str, body: Json) -> Json:
        return await self.write(Request("POST", path, orjson.dumps(body), {"fieldManager": FIELD_MANAGER}))

    async def delete(self, path: str, options: Json) -> Json:
        return await self.write(Request("DELETE", path, orjson.dumps(options)))

    async def write(self, request: Request) -> Json:
        """A write behind the gate. It may last no longer than the gate is known to stay open."""
        await self._take_token()
        left = self.gate()
        if left <= 0:
            raise WritesFenced
        timeout = min(self._limits.timeout, left)
        return await self.send(
            Request(request.verb, request.path, request.body, request.query, request.content_type, timeout=timeout)
        )

    async def send(self, request: Request) -> Json:
        """Any request, as it is: for reads, and for the Lease, which decides about the gate itself."""
        answer = await self._send_once(request)
        if answer.code == _UNAUTHORIZED:
            await self._transport.renew_login()
            answer = await self._send_once(request)
        if answer.code < _HTTP_ERROR:
            return _decoded(answer.body)
        error = error_for(answer.code, _decoded(answer.body), answer.retry_after)
        if isinstance(error, TooManyRequests):
            self._patience = max(self._patience, self._clock.monotonic() + error.retry_after)
        raise error

    async def _send_once(self, request: Request) -> Answer:
        code = 0
        try:
            async with asyncio.timeout(request.timeout):
                answer = await self._transport.send(request)
            code = answer.code
        except TimeoutError as error:
            raise Unavailable(f"no answer within {request.timeout:g} s") from error
        finally:
            self._metrics.count("berth_api_requests_total", (("verb", request.verb), ("code", str(code))))
        return answer

    async def _take_token(self) -> None:
        """Wait for our own limit, and for the patience that the server last asked for."""
        rate = self._limits.writes_per_second
        now = self._clock.monotonic()
        self._tokens = min(self._tokens + (now - self._filled) * rate, rate * _BURST_SECONDS) - 1
        self._filled = now
        wait = max(-self._tokens / rate, self._patience - now)
        if wait > 0:
            await asyncio.sleep(wait)


def _open() -> float:
    return float("inf")


def _decoded(body: bytes) -> Json:
    try:
        value: Any = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {"message": body[:500].decode(errors="replace")}
    return cast("Json", value) if isinstance(value, dict) else {}
