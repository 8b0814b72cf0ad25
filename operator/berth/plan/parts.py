"""What plans read of an object's JSON, asked the same way everywhere."""

from collections.abc import Iterable

from berth.plan.outcome import Json


def some(given: Json, keys: Iterable[str]) -> Json:
    """The fields of these names that are there."""
    return {key: given[key] for key in keys if key in given}


def is_ready(body: Json) -> bool:
    """Whether a pod or a node says that it is."""
    conditions: list[Json] = body["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
