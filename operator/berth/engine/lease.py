"""Who leads: a Lease in the cluster, held by one replica, with a deadline that every write is checked against."""

import asyncio
import logging
import math
import os
import secrets
import socket
from dataclasses import dataclass

import orjson

from berth.engine.api import Api, Request
from berth.engine.clock import Clock
from berth.engine.errors import ApiError, Conflict, NotFound
from berth.engine.metrics import Metrics
from berth.plan.outcome import Json
from berth.resources import LEASE
from berth.settings import Settings

_log = logging.getLogger(__name__)

_REQUEST_SECONDS = 3.0


class LeaseLost(Exception):  # noqa: N818  # an end, not a fault
    """Another replica leads, or may: this process must stop."""


def identity_of(settings: Settings) -> str:
    return settings.identity or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the Lease said, and when we saw it say so for the first time. Clocks of two machines are never compared."""

    content: tuple[object, ...]
    seen_at: float


class Leadership:
    """One replica's part in the election."""

    def __init__(self, api: Api, clock: Clock, settings: Settings, identity: str, metrics: Metrics) -> None:  # noqa: PLR0913, PLR0917
        self._api = api
        self._clock = clock
        self._settings = settings
        self._identity = identity
        self._lease: Json | None = None
        self._sight: _Sight | None = None
        self._renewed_at: float | None = None
        self._said = ""
        self.looked = False
        """The Lease was read, or found to be missing: a replica that waits has done all that it can."""
        metrics.gauge("berth_leader", "1 when this replica leads.", lambda: float(self.time_left() > 0))

    def time_left(self) -> float:
        """Seconds for which this replica may still write: the gate before each write."""
        if self._renewed_at is None:
            return 0.0
        return self._renewed_at + self._settings.renew_deadline_seconds - self._clock.monotonic()

    async def acquire(self) -> None:
        """Wait until this replica leads."""
        _log.info("%s waits for the lease %s", self._identity, self._settings.lease_name)
        while not await self._round():  # noqa: ASYNC110  # asks the server, not us
            await asyncio.sleep(self._settings.retry_seconds)
        _log.info("%s leads", self._identity)

    async def hold(self) -> None:
        """Renew for ever; raises when the lead is lost or the deadline passed."""
        while self.time_left() > 0:
            await asyncio.sleep(min(self._settings.retry_seconds, self.time_left()))
            if self.time_left() <= 0 or (not await self._round() and self._held_by_other()):
                break
        self._renewed_at = None
        raise LeaseLost(f"{self._identity} no longer holds the lease {self._settings.lease_name}")

    async def release(self) -> None:
        """Let another replica lead at once. Nothing is written after this."""
        held = self._renewed_at is not None and self.time_left() > 0
        self._renewed_at = None
        if held and self._lease is not None:
            try:
                await self._put(self._lease, self._spec(holder="", transitions=_transitions(self._lease)))
                _log.info("%s released the lease", self._identity)
            except ApiError as error:
                _log.warning("the lease could not be released: %s", error)

    async def _round(self) -> bool:
        """One look at the Lease, and one write when it is ours or free. True when we lead after it."""
        started = self._clock.monotonic()
        try:
            if self._lease is None or not self._is_ours(self._lease):
                self._lease = await self._read()
            self.looked = True
            if self._lease is not None and not self._is_ours(self._lease) and not self._has_expired(self._lease):
                return False
            self._lease = await self._take()
        except ApiError as error:
            if isinstance(error, Conflict | NotFound):
                self._lease = None
            self._say(str(error))
            return False
        self._said = ""
        self._renewed_at = started
        return True

    def _say(self, trouble: str) -> None:
        """Each trouble once: the lease is looked at all the time."""
        if trouble != self._said:
            _log.warning("the lease %s: %s", self._settings.lease_name, trouble)
        self._said = trouble

    async def _read(self) -> Json | None:
        request = Request("GET", self._path(self._settings.lease_name), timeout=self._timeout())
        try:
            return await self._api.send(request)
        except NotFound:
            return None

    async def _take(self) -> Json:
        known = self._lease
        if known is None:
            body = {
                "apiVersion": LEASE.api_version,
                "kind": LEASE.kind,
                "metadata": {"name": self._settings.lease_name, "namespace": self._settings.operator_namespace},
                "spec": self._spec(self._identity, transitions=0),
            }
            return await self._api.send(Request("POST", self._path(""), orjson.dumps(body), timeout=self._timeout()))
        if self._is_ours(known):
            spec = {**known["spec"], "renewTime": self._now()}
        else:
            spec = self._spec(self._identity, _transitions(known) + 1)
        return await self._put(known, spec)

    async def _put(self, known: Json, spec: Json) -> Json:
        metadata = known["metadata"]
        body = {**known, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
        body["spec"] = spec
        path = self._path(self._settings.lease_name)
        return await self._api.send(Request("PUT", path, orjson.dumps(body), timeout=self._timeout()))

    def _spec(self, holder: str, transitions: int) -> Json:
        now = self._now()
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": max(math.ceil(self._settings.lease_seconds), 1) if holder else 1,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }

    def _is_ours(self, lease: Json) -> bool:
        return bool(_spec_of(lease).get("holderIdentity") == self._identity)

    def _held_by_other(self) -> bool:
        holder = _spec_of(self._lease).get("holderIdentity") if self._lease is not None else None
        return bool(holder) and holder != self._identity

    def _has_expired(self, lease: Json) -> bool:
        """Free, or unchanged in our sight for as long as its holder said that it would last."""
        spec = _spec_of(lease)
        holder = spec.get("holderIdentity")
        if not holder:
            return True
        content = (holder, spec.get("renewTime"), spec.get("leaseTransitions"))
        now = self._clock.monotonic()
        if self._sight is None or self._sight.content != content:
            self._sight = _Sight(content, now)
        lasts = float(spec.get("leaseDurationSeconds") or self._settings.lease_seconds)
        return now - self._sight.seen_at >= lasts

    def _path(self, name: str) -> str:
        return LEASE.path(self._settings.operator_namespace, name)

    def _timeout(self) -> float:
        return min(_REQUEST_SECONDS, self._settings.renew_deadline_seconds / 2)

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _spec_of(lease: Json) -> Json:
    spec: Json = lease.get("spec") or {}
    return spec


def _transitions(lease: Json) -> int:
    return int(_spec_of(lease).get("leaseTransitions") or 0)
