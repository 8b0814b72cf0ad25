"""Waiting for the kinds that we watch: kopf with scanning disabled never serves a kind that appears later."""

import asyncio
import logging
from collections.abc import Iterable

from berth.engine.api import Api
from berth.engine.errors import ApiError, NotFound
from berth.resources import Resource

_log = logging.getLogger(__name__)

_POLL_SECONDS = 2.0
_SAY_AGAIN = 15


async def wait_for_kinds(api: Api, resources: Iterable[Resource]) -> None:
    """Return once the API server serves all of them; say now and then what is missing."""
    missing = list(resources)
    rounds = 0
    while True:
        missing = [resource for resource in missing if not await _is_served(api, resource)]
        if not missing:
            return
        if rounds % _SAY_AGAIN == 0:
            names = ", ".join(str(resource) for resource in missing)
            _log.warning("waiting for kinds that the API server does not serve: %s. Are the CRDs installed?", names)
        rounds += 1
        await asyncio.sleep(_POLL_SECONDS)


async def served(api: Api, resources: Iterable[Resource]) -> frozenset[Resource]:
    """Those of them that the API server serves now."""
    return frozenset([resource for resource in resources if await _is_served(api, resource)])


async def until_kinds_change(
    api: Api, resources: Iterable[Resource], known: frozenset[Resource], seconds: float
) -> None:
    """Return once other kinds of these are served than at the start; an API server that is away changes nothing."""
    watched = tuple(resources)
    while watched:
        await asyncio.sleep(seconds)
        try:
            now = frozenset([resource for resource in watched if await _serves(api, resource)])
        except ApiError as error:
            _log.info("cannot ask for kinds: %s", error)
            continue
        if now != known:
            changed = ", ".join(sorted(map(str, now ^ known)))
            _log.warning("kinds came or went: %s", changed)
            return
    await asyncio.Event().wait()


async def _is_served(api: Api, resource: Resource) -> bool:
    try:
        return await _serves(api, resource)
    except ApiError as error:
        _log.warning("cannot ask for %s: %s", resource, error)
        return False


async def _serves(api: Api, resource: Resource) -> bool:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    try:
        found = await api.get(root)
    except NotFound:
        return False
    return any(one.get("name") == resource.plural for one in found.get("resources") or ())
