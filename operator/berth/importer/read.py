"""Text -> documents; whatever cannot be read is named by its line."""

import json
import re
from typing import Any

import yaml

from berth.importer import tagged_yaml, twice
from berth.importer.lenient import quoted_yaml, strict_json
from berth.importer.shapes import is_list, is_object

MOST_VALUES = 200_000
MOST_DEPTH = 64
_LEADING = re.compile(r"\A(?:\s+|#[^\n]*)*+")
_SPACE = re.compile(r"\s*")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class UnreadableError(ValueError):
    """A file that is no document; `line` counts from 1, 0 when no line is to blame."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8, or what PowerShell's `>` writes, with or without a mark of its order."""
    encoding = json.detect_encoding(data)
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableError("is not text in UTF-8", line) from error


def documents(text: str, remarks: list[str] | None = None) -> list[Any]:
    """The documents of a text in JSON, JSON with comments, or YAML; remarks tell what the reader had to choose."""
    doubled: list[twice.Doubled] = []
    try:
        found = _json(text, doubled) if _LEADING.sub("", text)[:1] in {"{", "[", "/", ""} else _yaml(text, doubled)
        read = [_bounded(document) for document in found]
    except RecursionError as error:
        raise UnreadableError(f"is nested more than {MOST_DEPTH} deep") from error
    if not read:
        raise UnreadableError("is empty")
    if remarks is not None:
        remarks += map(str, doubled)
    return read


def _json(text: str, doubled: list[twice.Doubled]) -> list[Any]:
    if not text.strip():
        return []
    for attempt in (text, strict_json(text)):
        try:
            return _loaded(attempt, doubled, strict=attempt is text)
        except json.JSONDecodeError as error:
            last = attempt, error
        except ValueError as error:
            raise UnreadableError("holds a number that is too long to be one") from error
    return _almost_json(*last, doubled)


def _loaded(text: str, doubled: list[twice.Doubled], *, strict: bool) -> list[Any]:
    """One value of JSON after the other, as `aws` and `jq` print several."""
    repeated = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        made = dict(pairs)
        repeated |= len(made) < len(pairs)
        return made

    decoder = json.JSONDecoder(parse_constant=str, strict=strict, object_pairs_hook=members)
    values: list[Any] = []
    at = _after_space(text, 0)
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        at = _after_space(text, at)
        values.append(value)
    if len(values) > 1 and not all(isinstance(value, dict | list) for value in values):
        raise json.JSONDecodeError("Extra data", text, at)
    if repeated:
        doubled += twice.in_json(text)
    return values


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _almost_json(text: str, error: json.JSONDecodeError, doubled: list[twice.Doubled]) -> list[Any]:
    """Single quotes and keys without quotes are YAML; what is not even that is told as JSON's fault."""
    said = f"is broken JSON: {error.msg}, column {error.colno}"
    if "escape" in error.msg:
        # YAML knows more escapes, and would make a bell of the \a in C:\app.
        raise UnreadableError(f"{said}: a backslash is written \\\\", error.lineno) from error
    try:
        found = tagged_yaml.load_all(text.replace("\t", " "), doubled)
    except (yaml.YAMLError, ValueError, TypeError):
        found = []
    if found and isinstance(found[0], dict | list) and "Extra data" not in error.msg:
        return found
    raise UnreadableError(said, error.lineno) from error


def _yaml(text: str, doubled: list[twice.Doubled]) -> list[Any]:
    try:
        return tagged_yaml.load_all(quoted_yaml(text), doubled)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        why = str(error.problem or error.context)
        if line and text.splitlines()[line - 1 : line] and "\t" in text.splitlines()[line - 1].partition("#")[0]:
            why = "a tab, where YAML takes spaces only"
        raise UnreadableError(f"is neither JSON nor YAML: {why}", line) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise UnreadableError(f"is neither JSON nor YAML: {str(error).splitlines()[0]}") from error


def _bounded(document: Any) -> Any:
    """The document with texts as keys, or a refusal: aliases of YAML can make a small file endless."""
    left = [MOST_VALUES]

    def plain(value: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise UnreadableError(f"holds more than {MOST_VALUES} values")
        if depth > MOST_DEPTH:
            raise UnreadableError(f"is nested more than {MOST_DEPTH} deep")
        if is_object(value):
            return {_text(_key(key)): plain(member, depth + 1) for key, member in value.items()}
        if is_list(value):
            return [plain(item, depth + 1) for item in value]
        return value if value is None or isinstance(value, bool | int | float) else _text(str(value))

    return plain(document, 0)


def _key(key: Any) -> str:
    return "null" if key is None else str(key).lower() if isinstance(key, bool) else str(key)


def _text(text: str) -> str:
    """Half of a surrogate pair is a legal escape in JSON, and no character."""
    return _SURROGATE.sub("\ufffd", text)
