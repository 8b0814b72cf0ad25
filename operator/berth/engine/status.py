"""Status as the engine handles it: differences, and the condition that only the engine can know about."""

from datetime import datetime
from typing import Any, cast

from berth.plan.moment import written
from berth.plan.outcome import Json

READY = "Ready"
OPERATOR_ERROR = "OperatorError"
REFUSED = "Refused"

_MESSAGE_LIMIT = 1024


def merge_patch(before: Json, after: Json) -> Json:
    """The JSON merge patch from one object to another; a key that vanishes becomes null."""
    patch: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if key not in before or old != value:
            both = isinstance(old, dict) and isinstance(value, dict)
            patch[key] = merge_patch(cast("Json", old), cast("Json", value)) if both else value
    return patch


def with_failure(status: Json, live: Json, failure: tuple[str, str, str], now: datetime) -> Json:
    """The live status with the plan's conditions, of which Ready tells of a failure (status, reason, message).

    What else the plan would show has not come about: a number that was never given must not be remembered.
    """
    outlook: Json = {name: status[name] for name in ("observedGeneration", "conditions") if name in status}
    status = {**live, **outlook}
    value, reason, message = failure
    conditions: list[Json] = [dict(one) for one in status.get("conditions") or () if one.get("type") != READY]
    ready: Json = {"type": READY, "status": value, "reason": reason, "message": message[:_MESSAGE_LIMIT]}
    known = _ready(live)
    planned = _ready(status) or known
    if planned is not None and "observedGeneration" in planned:
        ready["observedGeneration"] = planned["observedGeneration"]
    same = known is not None and known.get("status") == value
    ready["lastTransitionTime"] = known["lastTransitionTime"] if known and same else written(now)
    return {**status, "conditions": [ready, *conditions]}


def _ready(status: Json) -> Json | None:
    conditions: Any = status.get("conditions") or ()
    return next((dict(one) for one in conditions if one.get("type") == READY), None)
