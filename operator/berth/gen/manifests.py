"""Generated parts of the two ways to install: deploy/ (kustomize) and charts/berth (Helm)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel

from berth.adapters import Platform
from berth.api.kind import Kind
from berth.gen.crds import crd
from berth.gen.rbac import Rights
from berth.gen.text import HEADER, block, document
from berth.settings import Settings

RBAC = "rbac.authorization.k8s.io"
ACCOUNT = {"kind": "ServiceAccount", "name": "berth"}
# What the chart sets by other values, or must not be set at all in a pod.
NOT_VALUES = frozenset(
    {"namespaces", "operator_namespace", "identity", "health_port", "health_address", "platform", "platform_file"}
    | {"placeholder_priority_class"}
)
TEMPLATE_HEADER = f"{{{{/* {HEADER.removeprefix('# ').strip()} */}}}}\n"
# Where the annotation goes in a CustomResourceDefinition's text; it is the first line that says so.
METADATA = "\nmetadata:\n"
KEEP = (
    "  {{- if .Values.crds.keep }}\n"
    "  annotations:\n"
    "    helm.sh/resource-policy: keep\n"
    "  {{- end }}\n"
)  # fmt: skip


def kustomization(kinds: Iterable[Kind]) -> str:
    """For crds/; named without an ending, so that `kubectl apply -f crds/` does not take it for an object."""
    head: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return document({**head, "resources": sorted(f"{kind.plural}.yaml" for kind in kinds)})


def roles(rights: Rights) -> str:
    """RBAC of deploy/, for the whole cluster."""
    return document(
        _role("ClusterRole", "berth", rights.cluster),
        _binding("ClusterRole", "berth"),
        _role("Role", "berth-leader", rights.leader),
        _binding("Role", "berth-leader"),
    )


def options(rights: Rights) -> Iterator[tuple[str, str]]:
    """RBAC that is added by hand where the platform file asks for it: one file for each option."""
    for option, rules in rights.options.items():
        name = f"berth-{option}"
        yield f"{option}.yaml", document(_role("ClusterRole", name, rules), _binding("ClusterRole", name))


def chart_rules(rights: Rights) -> str:
    """The same rules as named templates of the chart."""
    named = {
        "cluster": (rights.cluster, "a ClusterRole of an operator for the whole cluster"),
        "namespace": (rights.namespace, "a Role in each namespace of a namespaced operator"),
        "shared": (rights.shared, "a ClusterRole of a namespaced operator: what has no namespace, to read"),
        "leader": (rights.leader, "a Role in the operator's namespace"),
        **{option: (rules, "added where the platform asks for it") for option, rules in rights.options.items()},
    }
    defined = [
        f'\n{{{{/* {purpose} */}}}}\n{{{{- define "berth.rules.{name}" -}}}}\n{block(rules)}{{{{- end }}}}\n'
        for name, (rules, purpose) in named.items()
    ]
    return f"{TEMPLATE_HEADER}{''.join(defined)}"


def chart_crds(kinds: Iterable[Kind]) -> Iterator[tuple[str, str]]:
    """CustomResourceDefinitions as templates: Helm never upgrades what lies in a chart's crds/."""
    for kind in kinds:
        text = block(crd(kind)).replace("{{", '{{ "{{" }}').replace(METADATA, METADATA + KEEP, 1)
        yield f"{kind.plural}.yaml", f"{TEMPLATE_HEADER}{{{{- if .Values.crds.install }}}}\n{text}{{{{- end }}}}\n"


def values_schema(path: Path) -> str:
    """The chart's values.schema.json, its `settings` replaced by what the operator's settings are now."""
    schema = json.loads(path.read_text())
    schema["$defs"]["settings"] = settings_schema()
    parts = Platform.model_json_schema(ref_template="#/$defs/platform{model}")
    known = {f"platform{name}": part for name, part in parts.pop("$defs").items()}
    schema["$defs"] = {key: part for key, part in schema["$defs"].items() if not key.startswith("platform")}
    schema["$defs"] |= {"platform": parts, **known}
    return json.dumps(schema, indent=2) + "\n"


def settings_schema() -> dict[str, Any]:
    """The operator's settings as values, in camelCase."""
    raw = Settings.model_json_schema()
    fields = {
        to_camel(name): {key: value for key, value in field.items() if key != "title"}
        for name, field in raw["properties"].items()
        if name not in NOT_VALUES
    }
    return {
        "description": f"{raw['description']} Generated from operator/berth/settings.py.",
        "type": "object",
        "additionalProperties": False,
        "properties": fields,
    }


def _role(kind: str, name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": {"name": name}, "rules": rules}


def _binding(kind: str, name: str) -> Mapping[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
        "subjects": [{**ACCOUNT, "namespace": "berth-system"}],
    }
