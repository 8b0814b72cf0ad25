"""Kinds -> CustomResourceDefinitions."""

from collections.abc import Iterable, Iterator
from typing import Any

from berth.api.kind import Kind
from berth.gen.schema import UntranslatableError, structural, validation
from berth.gen.text import document
from berth.resources import GROUP, VERSION

Manifest = dict[str, Any]

# Without a status tools that follow kstatus take an object that nobody has seen yet for current.
UNSEEN = {"observedGeneration": -1}
LABELS = {"app.kubernetes.io/part-of": "berth"}


def crd(kind: Kind) -> Manifest:
    """The CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", "labels": dict(LABELS)},
        "spec": {
            "group": GROUP,
            "names": _names(kind),
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [_version(kind)],
        },
    }


def files(kinds: Iterable[Kind]) -> Iterator[tuple[str, str]]:
    """Each kind's file name and text."""
    for kind in kinds:
        yield f"{kind.plural}.yaml", document(crd(kind))


def _names(kind: Kind) -> Manifest:
    return {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": list(kind.short_names),
        "categories": ["ecs"],
    }


def _version(kind: Kind) -> Manifest:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _schema(kind)},
        "subresources": _subresources(kind),
        "additionalPrinterColumns": [
            {"name": column.name, "type": column.type, "jsonPath": column.json_path}
            | ({"priority": column.priority} if column.priority else {})
            for column in kind.columns
        ],
    }


def _schema(kind: Kind) -> Manifest:
    schema: Manifest = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"Always {GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"Always {kind.kind}."},
            # Rules may name metadata.name as the field at fault only when the schema has it.
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural(kind.spec),
            "status": _status(kind),
        },
    }
    if kind.rules:
        schema["x-kubernetes-validations"] = [validation(rule) for rule in kind.rules]
    return schema


def _status(kind: Kind) -> Manifest:
    status = structural(kind.status)
    if "observedGeneration" not in status["properties"]:
        raise UntranslatableError(f"{kind.kind}.status", "observedGeneration is missing")
    for name, node in status["properties"].items():
        if "default" in node:
            raise UntranslatableError(f"{kind.kind}.status.{name}", "a default would be stored on every object")
    return {**status, "default": dict(UNSEEN)}


def _subresources(kind: Kind) -> Manifest:
    if not kind.scale:
        return {"status": {}}
    return {
        "status": {},
        "scale": {
            "specReplicasPath": kind.scale.spec_replicas,
            "statusReplicasPath": kind.scale.status_replicas,
            "labelSelectorPath": kind.scale.selector,
        },
    }
