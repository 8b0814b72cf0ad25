"""Alerts as Prometheus or Alertmanager tell them: which of those that are asked for fire, each in its own namespace."""

import asyncio
import json
import ssl
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from berth.adapters import Platform
from berth.alarm_adapters import Alarms
from berth.engine.key import Key
from berth.engine.readings import NotRead
from berth.plan.moment import written
from berth.plan.outcome import Json
from berth.resources import ALERT

ALARM, OK = "ALARM", "OK"
UNKNOWN = "there is no alert of this name"
_OK = 200
_SECONDS = 10.0
_LONGEST = 8 << 20
_NAMES = 40
"""So many names go into one question: an address must not become too long."""


class AlertReader:
    """Reads from one server. Names and namespaces are labels' values there, and compared here once more."""

    resource = ALERT

    def __init__(self, server: Alarms) -> None:
        self._server = server
        self._who = "Prometheus" if server.prometheus else "Alertmanager"
        self.seconds = float(server.interval_seconds)

    async def read(self, asked: Collection[Key]) -> Mapping[Key, Json]:
        names = sorted({key.name for key in asked})
        tell = self._rules if self._server.prometheus else self._alerts
        limits = aiohttp.ClientTimeout(total=_SECONDS)
        connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(self._certificates))
        headers = await asyncio.to_thread(self._headers)
        try:
            async with aiohttp.ClientSession(timeout=limits, connector=connector, headers=headers) as session:
                return await tell(session, names, asked)
        except (aiohttp.ClientError, OSError) as error:
            raise NotRead(f"{self._who} cannot be reached ({_kind(error)})") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotRead(f"{self._who} answered, and not as its API says") from error

    def _certificates(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._server.ca_file)
        except OSError as error:
            raise NotRead(f"caFile of the platform file's alarms cannot be read ({_kind(error)})") from error

    def _headers(self) -> dict[str, str]:
        if self._server.token_file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {Path(self._server.token_file).read_text().strip()}"}
        except (OSError, ValueError) as error:
            raise NotRead(f"tokenFile of the platform file's alarms cannot be read ({_kind(error)})") from error

    async def _get(self, session: aiohttp.ClientSession, path: str, query: Iterable[tuple[str, str]]) -> Any:
        url = f"{self._server.url}{path}"
        async with session.get(url, params=list(query), allow_redirects=False) as response:
            if response.status != _OK:
                raise NotRead(f"{self._who} answered {response.status}")
            body = bytearray()
            async for part in response.content.iter_any():
                body += part
                if len(body) > _LONGEST:
                    raise NotRead(f"{self._who} answered more than {_LONGEST >> 20} MiB")
        return json.loads(body)

    async def _rules(
        self, session: aiohttp.ClientSession, names: list[str], asked: Collection[Key]
    ) -> Mapping[Key, Json]:
        """Prometheus: rules by name, with their alerts; one that nothing fires of is known, too."""
        rules: list[Json] = []
        for part in _parts(names):
            query = [("type", "alert"), *(("rule_name[]", name) for name in part)]
            answer = await self._get(session, "/api/v1/rules", query)
            rules += [rule for group in answer["data"]["groups"] for rule in group["rules"]]
        return {key: self._of_rules(key, [rule for rule in rules if rule["name"] == key.name]) for key in asked}

    def _of_rules(self, key: Key, rules: list[Json]) -> Json:
        label = self._server.namespace_label
        known = [rule for rule in rules if rule.get("labels", {}).get(label, key.namespace) == key.namespace]
        since: list[datetime] = []
        for rule in known:
            # An alert is active from the moment that its condition holds, and fires when it has held for long enough.
            lasts = timedelta(seconds=float(rule.get("duration", 0)))
            since += [
                _time(alert["activeAt"]) + lasts
                for alert in rule.get("alerts", ())
                if alert["state"] == "firing" and alert["labels"].get(label) == key.namespace
            ]
        return _told(since) if known else {"problem": UNKNOWN}

    async def _alerts(
        self, session: aiohttp.ClientSession, names: list[str], asked: Collection[Key]
    ) -> Mapping[Key, Json]:
        """Alertmanager: active alerts alone; it does not know of rules that fire nothing."""
        label = self._server.namespace_label
        alerts: list[Json] = []
        for name in names:
            chosen = [("active", "true"), ("silenced", "false"), ("inhibited", "false"), ("unprocessed", "true")]
            alerts += await self._get(session, "/api/v2/alerts", [*chosen, ("filter", f"alertname={_quoted(name)}")])
        firing = [
            (Key(ALERT, str(one["labels"].get(label)), str(one["labels"]["alertname"])), _time(one["startsAt"]))
            for one in alerts
        ]
        return {key: _told([since for found, since in firing if found == key]) for key in asked}


def _told(since: list[datetime]) -> Json:
    return {"state": ALARM, "since": written(min(since))} if since else {"state": OK}


def _time(text: str) -> datetime:
    """RFC 3339, with more digits of a second than Python reads."""
    head, dot, rest = text.replace("Z", "+00:00").partition(".")
    if not dot:
        return datetime.fromisoformat(head)
    sign = max(rest.find("+"), rest.find("-"))
    return datetime.fromisoformat(f"{head}.{rest[:sign][:6].ljust(6, '0')}{rest[sign:]}")


def _quoted(text: str) -> str:
    """A matcher's value."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _parts(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _NAMES):
        yield names[start : start + _NAMES]


def _kind(error: BaseException) -> str:
    """What went wrong, without addresses and names that not everybody need know."""
    certificate = isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLError)
    return "its certificate is not trusted" if certificate else type(error).__name__


def readers(platform: Platform) -> tuple[AlertReader, ...]:
    """One, where the platform file says where alerts are."""
    return (AlertReader(platform.alarms),) if platform.alarms is not None else ()
