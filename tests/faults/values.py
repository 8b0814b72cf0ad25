"""JSON, told apart."""

from typing import Any, TypeGuard

from berth.plan.outcome import Json


def is_map(value: Any) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
