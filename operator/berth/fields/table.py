"""The table of ECS's fields, read from the YAML files beside this module."""

import difflib
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, cast, get_args

import yaml

from berth.fields.field import Field, Verdict
from berth.fields.merged import merged

CALLS = (
    "register_task_definition",
    "create_service",
    "application_auto_scaling",
    "create_cluster",
    "create_capacity_provider",
    "other_calls",
)
TITLES = {
    "register_task_definition": "RegisterTaskDefinition",
    "create_service": "CreateService",
    "application_auto_scaling": "Application Auto Scaling",
    "create_cluster": "CreateCluster",
    "create_capacity_provider": "CreateCapacityProvider",
    "other_calls": "Other calls",
}


AROUND = frozenset(
    {"resources", "taskdefinition", "service", "services", "taskdefinitions", "templatebody"}
    | {"cluster", "clusters", "capacityprovider", "capacityproviders"}
)
_INDEX = re.compile(r"\[[0-9]*\]")


class Call:
    """The fields of one call."""

    def __init__(self, name: str, fields: dict[str, Field]) -> None:
        self.name = name
        self.title = TITLES[name]
        self.fields = fields
        self._children: dict[str, dict[str, Field]] = {}
        for path, field in fields.items():
            parent = path.rpartition(".")[0]
            self._children.setdefault(parent, {})[field.name.lower()] = field

    def children(self, path: str) -> dict[str, Field]:
        """The fields right below a path, by their names in lower case: CloudFormation spells them with a capital."""
        return self._children.get(path, {})

    def is_list(self, path: str) -> bool:
        """True for a list of structures."""
        return f"{path}[]" in self._children

    def below(self, prefix: str) -> Iterator[Field]:
        """The fields whose path starts so, without regard to case and to the marks of lists."""
        wanted = _plain(prefix)
        yield from (
            field
            for path, field in self.fields.items()
            if _plain(path) == wanted or _plain(path).startswith(wanted + ".")
        )


@cache
def calls() -> dict[str, Call]:
    """Every call of the table, by name."""
    return {name: _read(name) for name in CALLS}


def lookup(prefix: str) -> list[Field]:
    """The field of that path and those below it, or else of the longest end of the path that ECS knows."""
    wanted = _plain(prefix.strip())
    exact = [field for call in calls().values() for field in call.below(prefix)]
    while wanted and not exact:
        ends = [field for call in calls().values() for field in call.fields.values() if _ends(field, wanted)]
        exact = list(dict.fromkeys(below for field in ends for below in calls()[field.call].below(field.path)))
        # A report's path starts with what stands around the definition: Resources.Web.Properties.
        around, _, rest = wanted.partition(".")
        wanted = rest if around in AROUND or wanted != _plain(prefix.strip()) else ""
    return exact


def nearest(path: str) -> list[str]:
    """Paths that somebody may have meant."""
    plain = {_plain(field.path): field.path for call in reversed(calls().values()) for field in call.fields.values()}
    names = {found.rpartition(".")[2]: whole for found, whole in reversed(plain.items())}
    wanted = _plain(path.strip())
    ends = {_end(found, wanted.count(".")): whole for found, whole in reversed(plain.items())}
    by_end = difflib.get_close_matches(wanted, ends, n=2, cutoff=0.7)
    close = difflib.get_close_matches(wanted, plain, n=3, cutoff=0.6)
    by_name = difflib.get_close_matches(wanted.rpartition(".")[2], names, n=3, cutoff=0.6)
    found = [*(ends[end] for end in by_end), *(plain[one] for one in close), *(names[name] for name in by_name)]
    return list(dict.fromkeys(found))[:4]


def _end(path: str, dots: int) -> str:
    return ".".join(path.split(".")[-dots - 1 :])


def _ends(field: Field, wanted: str) -> bool:
    return f".{_plain(field.path)}".endswith(f".{wanted}")


def _plain(path: str) -> str:
    return _INDEX.sub("", path).lower()


def _read(name: str) -> Call:
    text = resources.files("berth.fields").joinpath(f"{name}.yaml").read_text("utf-8")
    rows = cast("dict[str, dict[str, Any]]", yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506  # both are safe
    fields = {path: _field(name, path, row) for path, row in rows.items()}
    if name == "register_task_definition":
        fields = {path: merged(field) for path, field in fields.items()}
    return Call(name, fields)


def _field(call: str, path: str, row: dict[str, Any]) -> Field:
    if row["verdict"] not in get_args(Verdict):
        raise ValueError(f"{call}.yaml: {path}: no verdict {row['verdict']!r}")
    return Field(call, path, row["verdict"], row["note"], row.get("becomes", ""), tuple(row.get("default", ())))
