"""What plans ask about that no API server knows: read again and again, while somebody asks, and never else."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from typing import Protocol

from berth.engine.interest import Interests
from berth.engine.key import Key
from berth.engine.metrics import Metrics
from berth.engine.queue import Backoff
from berth.engine.store import Store
from berth.plan.outcome import Json
from berth.resources import Resource

_log = logging.getLogger(__name__)

_READ_SECONDS = 30.0
_SLOWEST = 8.0
"""How many times as long the wait becomes, at most, while nothing can be read."""
_PROBLEM_LIMIT = 300


class NotRead(Exception):  # noqa: N818  # an answer, not a fault
    """Why nothing could be read, in a sentence that everybody may read."""


class Reader(Protocol):
    """Somebody who reads one kind of things, each by namespace and name."""

    @property
    def resource(self) -> Resource:
        """What plans call the kind."""
        ...

    @property
    def seconds(self) -> float:
        """How often."""
        ...

    async def read(self, asked: Collection[Key]) -> Mapping[Key, Json]:
        """What is known of each; NotRead says why nothing is."""
        ...


class Readings:
    """All readers of this process, and what they read last, in the store."""

    def __init__(self, readers: Collection[Reader], store: Store, interests: Interests, metrics: Metrics) -> None:
        self._readers = readers
        self._store = store
        self._interests = interests
        self._metrics = metrics
        self._news = {reader.resource: interests.news_of({reader.resource}) for reader in readers}
        if readers:
            metrics.describe("berth_readings_total", "Readings from servers beside the API server by kind and result.")

    async def run(self) -> None:
        """Read what is asked for, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reader in self._readers:
                group.create_task(self._keep(reader), name=f"readings of {reader.resource}")

    async def _keep(self, reader: Reader) -> None:
        news = self._news[reader.resource]
        backoff, failures = Backoff(reader.seconds, reader.seconds * _SLOWEST), 0
        while True:
            news.clear()
            asked = self._interests.asked_by_name({reader.resource})
            self._forget_others(reader.resource, asked)
            if not asked:
                await news.wait()
                continue
            failures = 0 if await self._read(reader, asked) else failures + 1
            # A new question is answered at once, as long as anything can be read.
            wait = backoff.bound(failures) if failures else reader.seconds
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await (asyncio.sleep(wait) if failures else news.wait())

    async def _read(self, reader: Reader, asked: Collection[Key]) -> bool:
        found: Mapping[Key, Json] = {}
        problem = ""
        try:
            async with asyncio.timeout(_READ_SECONDS):
                found = await reader.read(asked)
        except NotRead as reason:
            problem = str(reason)[:_PROBLEM_LIMIT]
        except TimeoutError:
            problem = f"no answer within {_READ_SECONDS:g} s"
        except Exception as error:  # noqa: BLE001  # whatever a reader does, the others go on
            _log.exception("reading %s failed", reader.resource)
            problem = f"the operator could not read it ({type(error).__name__}): see its log"
        if problem:
            _log.warning("cannot read %d %s: %s", len(asked), reader.resource, problem)
        result = "failed" if problem else "read"
        self._metrics.count("berth_readings_total", (("kind", reader.resource.kind), ("result", result)))
        for key in asked:
            body = {"problem": problem} if problem else found.get(key, {})
            metadata = {"name": key.name, "namespace": key.namespace, "uid": str(key)}
            self._store.see({**body, "metadata": metadata}, reader.resource)
        return not problem

    def _forget_others(self, resource: Resource, asked: Collection[Key]) -> None:
        """What nobody asks about any more is not remembered: the next who asks is not answered with old news."""
        for record in list(self._store.of_kind(resource)):
            if record.key not in asked:
                self._store.forget(record.key, record.uid, record.version)
