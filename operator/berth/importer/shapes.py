"""What a value of a document is, for people and for type checkers alike."""

from typing import Any, TypeGuard

Json = dict[str, Any]


def is_object(value: Any) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_scalar(value: Any) -> bool:
    """Neither of both, and not nothing."""
    return value is not None and not isinstance(value, dict | list)
