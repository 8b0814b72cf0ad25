"""Single values: as the model wants them, with a word about what had to be done."""

import re
from typing import Any, cast

Schema = dict[str, Any]

PLACEHOLDER = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\$\{[^}]*\}|\$\([A-Za-z_][\w.]*\)|<%.*?%>|<[A-Za-z_][\w .:/-]*>|\$\$\$.*?\$\$\$"
    r"|\{[A-Z][A-Z0-9_]+\}|#\{[\w.]+\}#?|%[A-Za-z_][\w]+%|@@?[A-Z][A-Z0-9_]+@@?|\b__[A-Za-z][A-Za-z0-9_]*?__\b|\A\$[A-Z_][A-Z0-9_]*\Z"
    r"|\b(?:YOUR|REPLACE|CHANGE|FILL|INSERT|ENTER)[-_][A-Za-z_-]+|\bREPLACE\b|\bACCOUNT_ID\b|\b[A-Z_]+_HERE\b|\bCHANGEME\b"
)
_WITH_DEFAULT = re.compile(r"\{\{-? *env +([`\"'])[^`\"']*\1 +([`\"'])(?P<default>[^`\"']*)\2 *-?\}\}")
"""ecspresso's template that says which value it has when nobody says another."""
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(?:\.0+)?")
_FRACTION = re.compile(r"[-+]?[0-9]{1,18}(?:\.[0-9]{1,18})?")
KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}


class WrongKindError(ValueError):
    """A value that cannot be what the field holds."""


def placeholder(value: Any) -> str:
    """What somebody still has to fill in; empty when nothing."""
    found = PLACEHOLDER.search(value) if isinstance(value, str) else None
    return found.group() if found else ""


def default_of(value: Any) -> str | None:
    """The value that a template says it has when nobody says another; None when it says none."""
    found = _WITH_DEFAULT.fullmatch(value) if isinstance(value, str) else None
    return found["default"] if found else None


def said(value: Any) -> str:
    """A value as JSON has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def same(value: Any, other: Any) -> bool:
    """Alike but for case and for quotation marks around a number."""
    return said(value).strip().lower() == said(other).lower()


def coerced(value: Any, schema: Schema) -> Any:
    """The value in the type of the schema."""
    if schema.get("x-kubernetes-int-or-string"):
        return value.strip() if isinstance(value, str) else value if type(value) is int else said(value)
    kind = str(schema.get("type", "string"))
    made = _of_kind(value, kind)
    if made is None:
        raise WrongKindError(f"{said(value)[:60]!r} is not {KINDS.get(kind, f'an {kind}')}")
    return _of_enum(made, cast("list[Any]", schema.get("enum", [])))


def _of_kind(value: Any, kind: str) -> Any:
    text = said(value).strip()
    match kind:
        case "string":
            return value if isinstance(value, str) else said(value)
        case "boolean":
            return True if text.lower() in TRUE else False if text.lower() in FALSE else None
        case "integer":
            return int(text.partition(".")[0]) if _NUMBER.fullmatch(text) else None
        case "number":
            return float(text) if _FRACTION.fullmatch(text) else None
        case _:
            return None


def _of_enum(value: Any, allowed: list[Any]) -> Any:
    """ECS's own tools take no other case, but people write it."""
    return next((one for one in allowed if same(value, one)), value)


def word(text: str, pattern: str, short: str) -> str:
    """A name that fits ECS's pattern of names; one that had to change ends in a hash."""
    if re.search(pattern, text):
        return text
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:50]
    made = f"{plain or 'x'}-{short}"
    return made if re.search(pattern, made) else made.lower()
