"""berth import: definitions of ECS -> manifests, and a word about every field."""

import json
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from berth.importer.ecspresso import named
from berth.importer.report import remarks, summary
from berth.importer.run import Imported, import_files

REFUSED = 3
NOT_ECS = 2


HELP = """Read task definitions and services of ECS and print manifests.

What became of each field goes to stderr; docs/import.md has the whole story.

\b
Takes
  inputs of register-task-definition, create-service, update-service
  what describe-task-definition and describe-services print
  CloudFormation and CDK templates, with their scaling policies
  the files of ecspresso and of GitHub's deploy action
  container definitions alone, as Terraform takes them

\b
Exit status
  0  every field has an equivalent
  2  a file is not of ECS or cannot be read
  3  a field was refused: --allow-unsupported prints what is left

\b
Examples
  berth import web.json web-service.json > web.yaml
  aws ecs describe-task-definition --task-definition web | berth import -
  berth import ecspresso.yml --allow-unsupported --report report.json
"""


class Output(StrEnum):
    """How objects are printed."""

    yaml = "yaml"
    json = "json"


def import_(
    files: Annotated[list[str], typer.Argument(help="Files in JSON or YAML; - reads standard input.", metavar="FILE")],
    output: Annotated[Output, typer.Option("--output", "-o", help="json prints one List.")] = Output.yaml,
    report: Annotated[Path | None, typer.Option(help="Write what became of each field there, as a JSON list.")] = None,
    *,
    allow_unsupported: Annotated[
        bool, typer.Option("--allow-unsupported", help="Print manifests although fields were refused, without these.")
    ] = False,
) -> None:
    """Read definitions of ECS and print manifests."""
    contents, missing = _contents(files)
    results = import_files(contents.items())
    if report is not None:
        _write(report, results)
    _tell(results)
    for line in missing:
        print(line, file=sys.stderr)
    wrong = missing or any(one.error for one in results)
    status = NOT_ECS if wrong else REFUSED if any(one.refused for one in results) else 0
    if status == 0 or allow_unsupported:
        sys.stdout.write(printed([manifest for one in results for manifest in one.manifests], output))
    else:
        fields = sum(row.verdict == "refused" for one in results for row in one.rows)
        why = f"{fields} field{'s are' if fields != 1 else ' is'} refused" if status == REFUSED else "see above"
        print(f"Nothing is written ({why}); --allow-unsupported writes what is left.", file=sys.stderr)
    raise typer.Exit(status)


class _Plain(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the fast one, where it was built
    """No anchors: a person reads this, and a part that stands twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature is PyYAML's
        return True


def printed(objects: list[dict[str, Any]], output: Output) -> str:
    """Objects as documents of YAML, or as one List of JSON."""
    if output is Output.json:
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=2) + "\n"
    texts = [yaml.dump(one, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120) for one in objects]
    return "---\n".join(texts)


def _contents(files: list[str]) -> tuple[dict[str, bytes], list[str]]:
    """Each file's bytes by its name, with those that a configuration of ecspresso names; and what is not there."""
    found: dict[str, bytes] = {}
    missing: list[str] = []
    for name in files:
        try:
            found[name] = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except (OSError, ValueError) as error:
            missing.append(f"{name}: {getattr(error, 'strerror', None) or error}")
            continue
        for beside in named(name, found[name]):
            try:
                found.setdefault(beside, Path(beside).read_bytes())
            except (OSError, ValueError) as error:
                missing.append(f"{beside}, which {name} names: {getattr(error, 'strerror', None) or error}")
    return found, missing


def _write(report: Path, results: list[Imported]) -> None:
    rows = [row.shown() for one in results for row in one.rows]
    try:
        report.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    except OSError as error:
        print(f"{report}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(NOT_ECS) from error


def _tell(results: list[Imported]) -> None:
    width = shutil.get_terminal_size((120, 0)).columns if sys.stderr.isatty() else 120
    for one in results:
        lines = [one.error] if one.error else [*summary(one.file, one.rows, width), *remarks(one.remarks, width)]
        text = "\n".join(lines) + "\n"
        sys.stderr.write(text.encode("utf-8", "replace").decode("utf-8"))
