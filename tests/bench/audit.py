"""What the API server's audit log counts and times: neither the operator nor the floor is asked."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from bench.client import Json

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
ASIDE = frozenset({"leases", "events"})
"""What a reconciliation does not consist of: the election, and what is told in the background."""


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request, with the server's own times for it."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    agent: str
    dry: bool
    begun: float
    ended: float

    @property
    def writes(self) -> bool:
        return self.verb in WRITES and self.resource not in ASIDE and not self.dry

    @property
    def kind_of_request(self) -> str:
        return f"{self.verb} {self.resource}{' (dry run)' if self.dry else ''}"


class Tail:
    """The log from one moment on, read as it grows."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size
        self.found: list[Request] = []

    def read(self) -> list[Request]:
        """What is new; `found` has all."""
        with self._log.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        new = [_request(orjson.loads(line)) for line in whole.splitlines()]
        self.found += new
        return new

    def of(self, user: str) -> list[Request]:
        self.read()
        return [one for one in self.found if one.user == user]


def counts(requests: Iterable[Request], which: Callable[[Request], bool] = lambda _: True) -> Counter[str]:
    return Counter(one.kind_of_request for one in requests if which(one))


def span(requests: Iterable[Request]) -> float:
    """Seconds from the first request's arrival to the last one's answer; watches never end and do not count."""
    chosen = [one for one in requests if one.verb != "watch" and one.resource not in ASIDE]
    return max(one.ended for one in chosen) - min(one.begun for one in chosen)


def _request(event: Json) -> Request:
    reference: dict[str, str] = event.get("objectRef") or {}
    group, part = reference.get("apiGroup", ""), reference.get("subresource", "")
    plural = reference.get("resource", "") + (f".{group}" if group == "berth.dev" else "")
    return Request(
        # Whom the API server did not recognise, it names not at all.
        user=event["user"].get("username", ""),
        verb=event["verb"],
        resource=f"{plural}/{part}" if part else plural,
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        agent=event.get("userAgent", ""),
        dry="dryRun=All" in event["requestURI"],
        begun=_time(event["requestReceivedTimestamp"]),
        ended=_time(event["stageTimestamp"]),
    )


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
