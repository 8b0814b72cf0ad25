"""Files in, manifests and a report out."""

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from berth.importer.clusters import Written, complete_clusters
from berth.importer.documents import parts
from berth.importer.ecspresso import Configuration, configuration, is_configuration, of_service
from berth.importer.elsewhere import by_name
from berth.importer.manifests import Made, made
from berth.importer.parts import Aside, Kind, NotEcsError, Part
from berth.importer.read import UnreadableError, decoded, documents
from berth.importer.report import Row, settled
from berth.importer.scalars import placeholder, said
from berth.importer.shapes import is_object, is_scalar
from berth.importer.worked_out import leaves_of

Json = dict[str, Any]
_NAME = re.compile(r"\$\{([\w:.]+)\}")


@dataclass
class Imported(Written):
    """What came of one file."""

    file: str = ""
    rows: list[Row] = field(default_factory=list[Row])
    error: str = ""
    """Why it is nothing of ECS, as `file:line: sentence`."""

    unmade: bool = False
    """True when a definition lacks too much to become a manifest."""

    @property
    def refused(self) -> bool:
        return self.unmade or any(row.verdict == "refused" for row in self.rows)


@dataclass
class _Read:
    """A file's parts, before names are known across files."""

    result: Imported
    text: str = ""
    parts: list[Part] = field(default_factory=list[Part])
    configuration: Configuration | None = None


def import_files(files: Iterable[tuple[str, bytes]]) -> list[Imported]:
    """Every file by its name, in the order given; nothing in them makes this raise."""
    read = [_read(name, data) for name, data in files]
    configurations = [one.configuration for one in read if one.configuration is not None]
    families = {one.result.file: _families(one.parts) for one in read}
    every = {family for found in families.values() for family in found}
    for one in read:
        configuration = of_service(configurations, one.result.file)
        own = families.get(configuration.task_definition, set[str]()) if configuration else set[str]()
        only = next(iter(own if len(own) == 1 else every)) if len(own) == 1 or len(every) == 1 else ""
        for part in one.parts:
            service = configuration.service if configuration and part.kind == "service" else ""
            named = replace(part, name=service, named=True) if service else part
            _add(one.result, made(named, one.result.file, only), part.kind)
        _point(one)
    results = [one.result for one in read]
    complete_clusters(results)
    _told_of_namesakes(results)
    return results


def _told_of_namesakes(results: list[Imported]) -> None:
    """Of two manifests of one name the second replaces the first when both are applied."""
    seen: dict[tuple[str, str], str] = {}
    for one in results:
        for manifest in one.manifests:
            key = (manifest["kind"], manifest["metadata"]["name"])
            if key in seen:
                where = "above" if seen[key] == one.file else f"from {seen[key]}"
                one.remarks.append(
                    f"{key[0]} {key[1]} stands {where}, too: of both, this one remains when you apply them"
                )
            seen[key] = one.file


def _read(name: str, data: bytes) -> _Read:
    one = _Read(Imported(file=name))
    stem = PurePath(name).name.split(".")[0] or "imported"
    try:
        one.text = decoded(data)
        found = documents(one.text, one.result.remarks)
        for index, document in enumerate(found):
            at = f"[{index}]" if len(found) > 1 else ""
            with _told_of(at):
                _take(one, document, stem, at)
    except UnreadableError as error:
        where = f"{name}:{error.line}" if error.line else name
        _fail(one, f"{where}: {by_name(name) or error}")
    except NotEcsError as error:
        _fail(one, f"{name}: {by_name(name) or error}")
    return one


@contextmanager
def _told_of(document: str) -> Generator[None]:
    try:
        yield
    except NotEcsError as error:
        raise NotEcsError(f"{document} {error}".lstrip()) from error


def _fail(one: _Read, message: str) -> None:
    one.parts, one.result.rows = [], [Row(one.result.file, "", "refused", note=message)]
    one.result.error = message


def _take(one: _Read, document: Any, stem: str, at: str) -> None:
    file = one.result.file
    if is_configuration(document):
        _configuration(one, document, at)
        return
    for part in parts(document, stem):
        found = part.below(at)
        if isinstance(found, Aside):
            one.result.rows.append(Row(file, found.path, found.verdict, note=found.note))
        else:
            one.parts.append(found)


def _add(result: Imported, one: Made, kind: Kind) -> None:
    to = result.associations if kind == "cluster_capacity_providers" else result.manifests
    if one.manifest is not None and one.manifest not in to:
        to.append(one.manifest)
    result.unmade |= one.manifest is None
    result.rows += settled(one.rows)
    result.remarks += one.remarks


def _configuration(one: _Read, document: Json, at: str) -> None:
    one.configuration = configuration(document, one.result.file)
    for path, _, _ in leaves_of(document, at):
        ours = path.removeprefix(at).lstrip(".") == "service"
        note = "the name of the service in the definition beside it" if ours else "ecspresso's own"
        one.result.rows.append(Row(one.result.file, path, "exact" if ours else "ignored", note=note))


def _families(parts: list[Part]) -> set[str]:
    return {_family(part) for part in parts if part.kind == "task_definition"}


def _family(part: Part) -> str:
    members: Json = part.value if is_object(part.value) else {}
    family = {key.lower(): value for key, value in members.items()}.get("family")
    return said(family) if family and is_scalar(family) else part.name


def _point(one: _Read) -> None:
    """Names the line of what somebody has to fill in."""
    for row in one.result.rows:
        left = row.note.removeprefix("fill in ").partition(" before you apply")[0] if "fill in " in row.note else ""
        if left and placeholder(left) and (at := _found(one.text, left)) >= 0:
            row.note = row.note.replace(left, f"{left} (line {one.text.count(chr(10), 0, at) + 1})", 1)


def _found(text: str, left: str) -> int:
    """As it stands there, or below the resources of a template, where a function names it."""
    at = text.find(left)
    name = _NAME.fullmatch(left)
    if at >= 0 or name is None:
        return at
    start = max(text.find("Resources"), 0)
    used = re.compile(rf"(?:Ref|GetAtt)\W+{re.escape(name[1])}\b").search(text, start)
    return used.start() if used else -1
