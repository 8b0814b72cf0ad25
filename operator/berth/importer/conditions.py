"""Conditions of a template, as far as its own text decides them: with the defaults of its parameters."""

from collections.abc import Callable
from typing import Any

from berth.importer import scalars
from berth.importer.shapes import Json, is_list, is_object, is_scalar

_DEEP = 20


class Conditions:
    """True, False, or None where only AWS or the person who deploys knows."""

    def __init__(self, conditions: Json, value_of: Callable[[Any], Any]) -> None:
        self._conditions = conditions
        self._value_of = value_of

    def holds(self, name: Any) -> bool | None:
        return self._holds({"Condition": name}, 0)

    def told(self) -> dict[str, str]:
        """A sentence for each condition."""
        words = {
            True: "holds with the defaults of the parameters",
            False: "does not hold with the defaults of the parameters",
            None: "depends on what is not in the template: its first branch is taken",
        }
        return {name: words[self.holds(name)] for name in self._conditions}

    def _holds(self, condition: Any, depth: int) -> bool | None:  # noqa: PLR0911  # one answer a function
        if depth > _DEEP or not is_object(condition) or len(condition) != 1:
            return None
        ((function, argument),) = condition.items()
        parts = argument if is_list(argument) else [argument]
        match function:
            case "Condition":
                return self._holds(self._conditions.get(str(argument)), depth + 1)
            case "Fn::Equals" if len(parts) == 2:  # noqa: PLR2004  # it compares two
                return self._equal(*parts)
            case "Fn::Not":
                inner = self._holds(parts[0], depth + 1) if parts else None
                return None if inner is None else not inner
            case "Fn::And":
                found = [self._holds(part, depth + 1) for part in parts]
                return False if False in found else None if None in found else True
            case "Fn::Or":
                found = [self._holds(part, depth + 1) for part in parts]
                return True if True in found else None if None in found else False
            case _:
                return None

    def _equal(self, one: Any, other: Any) -> bool | None:
        values = [self._value_of(one), self._value_of(other)]
        if any(not is_scalar(value) or "${" in str(value) for value in values):
            return None
        return scalars.said(values[0]) == scalars.said(values[1])
