"""Tokens that somebody hands out for a time: one of each for all who need it, renewed long before it expires.

The store, and so each plan, sees when a token was issued, when it expires and what keeps it from being renewed. The
token itself is here alone, and in the objects that it is written to.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from berth.engine.clock import Clock
from berth.engine.metrics import Metrics
from berth.engine.queue import Backoff
from berth.plan.outcome import Json
from berth.resources import TOKEN, Resource

_log = logging.getLogger(__name__)

_EARLY = (0.8, 1.0)
_SPREAD = (0.5, 1.0)
_RETRY = Backoff(first=1.0, most=300.0)
_ISSUE_SECONDS = 30.0
_PROBLEM_LIMIT = 300

See = Callable[[Json, Resource], object]


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the time that it is good for."""

    value: str = field(repr=False)
    issued: datetime
    expires: datetime


class NotIssued(Exception):  # noqa: N818  # an answer, not a fault
    """Why there is no token, in a sentence that everybody may read."""


class NoToken(Exception):  # noqa: N818  # a finding, not a fault
    """An object needs a token that is not there yet."""


class Issuer(Protocol):
    """Somebody who hands out one token."""

    @property
    def name(self) -> str:
        """The token's name."""
        ...

    @property
    def renew_seconds(self) -> float:
        """How old the token may become."""
        ...

    async def issue(self) -> Token:
        """A new token; NotIssued says why not."""
        ...


class Tokens:
    """All tokens of this process, and the work of keeping them fresh."""

    def __init__(self, issuers: Collection[Issuer], clock: Clock, metrics: Metrics) -> None:
        self._issuers = issuers
        self._clock = clock
        self._metrics = metrics
        self._held: dict[str, Token] = {}
        if issuers:
            metrics.describe("berth_tokens_total", "Tokens asked for by name and result.")

    def values(self) -> dict[str, str]:
        """The tokens by name, for whoever writes them."""
        return {name: token.value for name, token in self._held.items()}

    async def run(self, see: See) -> None:
        """Keep each token fresh, and tell the store what is known of it, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for issuer in self._issuers:
                group.create_task(self._keep(issuer, see), name=f"token {issuer.name}")

    async def _keep(self, issuer: Issuer, see: See) -> None:
        failures = 0
        while True:
            problem = await self._ask(issuer)
            failures = failures + 1 if problem else 0
            see(_shown(issuer.name, self._held.get(issuer.name), problem), TOKEN)
            if problem:
                wait = _RETRY.bound(failures) * random.uniform(*_SPREAD)  # noqa: S311  # spreads load
                _log.warning("no token for %s, asked again in %.0f s: %s", issuer.name, wait, problem)
            else:
                wait = self._age(issuer) * random.uniform(*_EARLY)  # noqa: S311  # spreads load
            await asyncio.sleep(wait)

    async def _ask(self, issuer: Issuer) -> str:
        """What is the matter; empty when there is a new token. Whatever an issuer does, the old token stays."""
        problem = ""
        try:
            async with asyncio.timeout(_ISSUE_SECONDS):
                self._held[issuer.name] = await issuer.issue()
        except NotIssued as reason:
            problem = str(reason)[:_PROBLEM_LIMIT]
        except TimeoutError:
            problem = f"no answer within {_ISSUE_SECONDS:g} s"
        except Exception as error:  # noqa: BLE001  # the old token stays, the others go on
            _log.exception("asking for a token for %s failed", issuer.name)
            problem = f"the operator could not ask for it ({type(error).__name__}): see its log"
        result = "failed" if problem else "issued"
        self._metrics.count("berth_tokens_total", (("name", issuer.name), ("result", result)))
        return problem

    def _age(self, issuer: Issuer) -> float:
        token = self._held[issuer.name]
        return min(issuer.renew_seconds, (token.expires - token.issued).total_seconds() / 2)


def _shown(name: str, token: Token | None, problem: str) -> Json:
    times = {"issued": moment(token.issued), "expires": moment(token.expires)} if token else {}
    return {"metadata": {"name": name, "uid": name}, **times, "problem": problem}


def moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
