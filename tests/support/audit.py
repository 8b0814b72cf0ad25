"""What the API server's own audit log says of who wrote what: the operator is not asked."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """One answered request."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    agent: str
    dry: bool
    """A dry run: it is answered as a write is, and stores nothing."""


def requests(log: Path, since: int = 0) -> list[Request]:
    """All requests after an offset into the log."""
    with log.open("rb") as file:
        file.seek(since)
        written = file.read()
    # The last line may be half written.
    return [_request(line) for line in written[: written.rfind(b"\n") + 1].decode().splitlines()]


def offset(log: Path) -> int:
    return log.stat().st_size


def writes(found: list[Request], agent: str = "berth") -> Counter[str]:
    """The operator's writes, by verb and kind; its Lease, its Events and dry runs are not counted."""
    return Counter(
        f"{one.verb} {one.resource}{'/' + one.subresource if one.subresource else ''}"
        for one in found
        if one.verb in WRITES
        and one.agent.startswith(agent)
        and one.resource not in {"leases", "events"}
        and not one.dry
    )


def _request(line: str) -> Request:
    event: dict[str, Any] = json.loads(line)
    reference: dict[str, str] = event.get("objectRef") or {}
    return Request(
        # Whom the API server did not recognise, it names not at all.
        user=event["user"].get("username", ""),
        verb=event["verb"],
        resource=reference.get("resource", ""),
        subresource=reference.get("subresource", ""),
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        agent=event.get("userAgent", ""),
        dry="dryRun=All" in event["requestURI"],
    )
