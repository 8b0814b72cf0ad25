"""ecspresso's configuration: it says how the service is called, and which files define it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeGuard

from berth.importer.read import UnreadableError, decoded, documents
from berth.importer.shapes import Json, is_object

NAMES = ("service_definition", "task_definition")


@dataclass(frozen=True)
class Configuration:
    """What one configuration says of a service; files by their names beside it."""

    service: str
    service_definition: str
    task_definition: str


def is_configuration(document: Any) -> TypeGuard[Json]:
    return is_object(document) and any(isinstance(document.get(key), str) for key in NAMES)


def configuration(document: Json, file: str) -> Configuration:
    service = document.get("service")
    service_definition, task_definition = (
        str(PurePath(file).parent / value) if isinstance(value := document.get(key), str) else "" for key in NAMES
    )
    return Configuration(service if isinstance(service, str) else "", service_definition, task_definition)


def of_service(configurations: list[Configuration], file: str) -> Configuration | None:
    """The one that names a file, or the only one there is."""
    found = next((one for one in configurations if one.service_definition == file), None)
    return found or (configurations[0] if len(configurations) == 1 else None)


def named(file: str, data: bytes) -> Iterable[str]:
    """The files that a configuration names, if it is one."""
    try:
        read = documents(decoded(data)) if b"_definition" in data else []
    except UnreadableError:
        return
    for document in read:
        if is_configuration(document):
            one = configuration(document, file)
            yield from (name for name in (one.service_definition, one.task_definition) if name)
