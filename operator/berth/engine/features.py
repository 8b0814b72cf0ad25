"""What the API server can do, asked once at the start: an object sent for nothing but its answer shows it."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, cast

import orjson

from berth.engine.api import Api, Request
from berth.engine.errors import ApiError, NotFound, TooManyRequests, Unavailable
from berth.names import FIELD_MANAGER
from berth.plan.features import Feature

_log = logging.getLogger(__name__)

_NAME = "berth-asks-for-a-feature"
_QUERY = {"dryRun": "All", "fieldManager": FIELD_MANAGER, "fieldValidation": "Ignore"}
_RETRY_SECONDS = 2.0


async def features_of(api: Api, features: Iterable[Feature], namespaces: Iterable[str]) -> frozenset[str]:
    """The features that the API server keeps in an object; nothing is stored."""
    places = tuple(dict.fromkeys(namespaces))
    found = frozenset([feature.name for feature in features if await _has(api, feature, places)])
    _log.info("features of the cluster that tasks can use: %s", ", ".join(sorted(found)) or "none")
    return found


async def _has(api: Api, feature: Feature, places: tuple[str, ...]) -> bool:
    """Asked in the first namespace that takes a question."""
    for place in places:
        while True:
            try:
                answer = await api.send(_question(feature, place))
            except (Unavailable, TooManyRequests) as error:
                _log.warning("cannot ask for %s, trying again: %s", feature.name, error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            except NotFound:
                break
            except ApiError as error:
                _log.info("%s in %s: %s", feature.name, place, error)
                break
            return _keeps(answer, feature.manifest)
    return False


def _question(feature: Feature, place: str) -> Request:
    resource = feature.resource
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": _NAME, "namespace": place},
        **feature.manifest,
    }
    return Request("POST", resource.path(place), orjson.dumps(body), _QUERY)


def _keeps(answer: Any, asked: Any) -> bool:
    """All that was asked for is in the answer; defaults may be there besides."""
    if isinstance(asked, dict):
        members = cast("dict[str, Any]", asked)
        return isinstance(answer, dict) and all(
            _keeps(cast("dict[str, Any]", answer).get(key), value) for key, value in members.items()
        )
    if isinstance(asked, list):
        given, wanted = cast("list[Any]", answer or []), cast("list[Any]", asked)  # type: ignore[redundant-cast]  # pyright needs it
        return len(given) == len(wanted) and all(map(_keeps, given, wanted))
    return bool(answer == asked)
