"""berth render: what the operator would create for manifests, without a cluster."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml
from pydantic import ValidationError

from berth.cli.import_files import Output, printed
from berth.importer.read import UnreadableError, decoded, documents
from berth.importer.shapes import Json, is_object
from berth.settings import PREFIX, Settings

NOT_MANIFESTS = 2
BLOCKED = 3


HELP = """Print what the operator would create for manifests, without a cluster.

Why it would refuse goes to stderr. Defaults and rules are those of the CRDs,
plans are the operator's own, settings are its variables BERTH_*.

Put CapacityProviders, and what else the manifests refer to, into the files.

\b
Exit status
  0  all is well
  2  a file holds no manifests
  3  something is blocked; the rest is printed

\b
Examples
  berth render web.yaml providers.yaml
  berth import web.json | berth render -
  berth render manifests/ -n shop --platform platform.yaml -o json
"""


def render(
    files: Annotated[list[str], typer.Argument(help="Manifests or folders; - reads standard input.", metavar="FILE")],
    output: Annotated[Output, typer.Option("--output", "-o", help="json prints one List.")] = Output.yaml,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="For manifests that name none.")] = "default",
    platform: Annotated[Path | None, typer.Option(help="The platform's file (docs/platform.md).")] = None,
) -> None:
    """Print what the operator would create for manifests."""
    from berth.controllers import TABLE  # noqa: PLC0415  # plans load slowly, and only this command needs them
    from berth.render.run import Rules  # noqa: PLC0415
    from berth.render.run import render as rendered  # noqa: PLC0415

    settings = _settings(platform)
    table = TABLE.using(TABLE.optional(settings.options))
    manifests = [one for name in files for one in _manifests(name)]
    result = rendered(manifests, Rules(table, settings, datetime.now(UTC), namespace))
    for line in result.blocked:
        print(line, file=sys.stderr)
    for line in result.unread:
        print(f"{line}: the operator reads no such object; it is left out", file=sys.stderr)
    sys.stdout.write(printed(result.objects, output))
    raise typer.Exit(BLOCKED if result.blocked else 0)


def _settings(platform: Path | None) -> Settings:
    given = dict(os.environ)
    if platform is not None:
        given[f"{PREFIX}PLATFORM_FILE"] = str(platform)
    try:
        return Settings.from_environment(given)
    except ValidationError as error:
        for fault in error.errors():
            name = "".join(str(part) for part in fault["loc"][:1]).upper()
            _stop(f"{PREFIX}{name}: {fault['msg'].removeprefix('Value error, ')}")
        raise


def _manifests(name: str) -> list[Json]:
    """The objects of a file or of a folder's files, those of a List one by one."""
    if name != "-" and Path(name).is_dir():
        inside = sorted(path for path in Path(name).rglob("*") if path.suffix in {".yaml", ".yml", ".json"})
        return [one for path in inside for one in _manifests(str(path))]
    objects = [one for each in _documents(name) for one in _listed(each)]
    for one in objects:
        if not _is_manifest(one):
            _stop(f"{name}: holds something that is no manifest: it needs apiVersion, kind and metadata.name")
    return objects


def _documents(name: str) -> list[Any]:
    """As kubectl reads them: with YAML's own booleans, where the importer keeps words."""
    try:
        text = decoded(sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes())
        documents(text)
        return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # both are safe
    except OSError as error:
        _stop(f"{name}: {error.strerror}")
    except UnreadableError as error:
        _stop(f"{name}:{error.line}: {error}" if error.line else f"{name}: {error}")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        _stop(f"{name}: is no YAML: {str(error).splitlines()[0]}")


def _listed(document: Any) -> list[Any]:
    if document is None:
        return []
    if is_object(document) and document.get("kind") == "List":
        return list(document.get("items") or [])
    return [document]


def _is_manifest(one: Any) -> bool:
    if not is_object(one) or not is_object(one.get("metadata")):
        return False
    words = [one.get("apiVersion"), one.get("kind"), one["metadata"].get("name")]
    return all(isinstance(word, str) and word for word in words)


def _stop(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(NOT_MANIFESTS)
