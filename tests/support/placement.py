"""Where the scheduler would let a pod run, as far as node affinity says, in a few lines."""

from typing import Any

from berth.adapters import Platform
from berth.api.placement import PlacementConstraint

Labels = dict[str, str]
PLATFORM = Platform.model_validate(
    {"attributes": {"ecs.ami-id": {"label": "example.com/image", "values": ["ami-1", "ami-2"]}}}
)


def constraint(expression: str) -> PlacementConstraint:
    return PlacementConstraint(type="memberOf", expression=expression)


def chooses(affinity: dict[str, Any], labels: Labels) -> bool:
    """Whether a node with these labels fulfils a required node affinity."""
    required = affinity.get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(
        term["matchExpressions"] and all(_holds(one, labels) for one in term["matchExpressions"])
        for term in required["nodeSelectorTerms"]
    )


def _holds(requirement: dict[str, Any], labels: Labels) -> bool:
    value, wanted = labels.get(requirement["key"]), requirement.get("values", [])
    verdicts = {
        "In": value in wanted,
        "NotIn": value not in wanted,
        "Exists": value is not None,
        "DoesNotExist": value is None,
        "Gt": _number(value) > _number(*wanted[:1]) >= 0,
        "Lt": 0 <= _number(value) < _number(*wanted[:1]),
    }
    return verdicts[requirement["operator"]]


def _number(text: str | None = None) -> int:
    """Below every number where there is none."""
    return int(text) if text is not None and text.isdigit() else -1
