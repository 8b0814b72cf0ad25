"""What is in a template: its definitions, each with the names that the others know it by, and a word about the rest."""

from collections.abc import Iterator
from typing import Any, cast

from berth.fields import calls
from berth.importer.cloudformation import (
    CAPACITY_PROVIDER,
    CLUSTER,
    SERVICE,
    TASK_DEFINITION,
    Template,
    plain_name,
)
from berth.importer.parts import Aside, Kind, NotEcsError, Part
from berth.importer.report import joined
from berth.importer.scaling import POLICY, TARGET, Scaling, scalings
from berth.importer.shapes import Json, is_object
from berth.importer.worked_out import leaves_of

ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
OURS: dict[str, Kind] = {
    TASK_DEFINITION: "task_definition",
    SERVICE: "service",
    CLUSTER: "cluster",
    ASSOCIATIONS: "cluster_capacity_providers",
    CAPACITY_PROVIDER: "capacity_provider",
}
CALLS = {"AWS::ECS::PrimaryTaskSet": "UpdateServicePrimaryTaskSet"}
"""Resources that are not called after what creates them."""


def template_parts(document: Json) -> Iterator[Part | Aside]:
    template = Template(document)
    if not any(template.of_type(kind) for kind in OURS):
        raise NotEcsError("is a template without a task definition or service of ECS")
    found = scalings(template)
    resources = cast("Json", document["Resources"])
    definitions = [part for name in resources for part in _resource(template, name, resources[name], found)]
    yield from _head(document, template)
    yield from definitions


def _head(document: Json, template: Template) -> Iterator[Aside]:
    """Everything around the resources."""
    told = {"Parameters": template.parameters_told(), "Conditions": template.conditions.told()}
    for key in document:
        sentences = told.get(key, {})
        for name, why in sentences.items():
            yield Aside(joined(key, name), why)
        if key != "Resources" and not sentences:
            # What stands under an empty key has no path but its own.
            paths = [key] if key else [path for path, _, _ in leaves_of(document[key], key)]
            yield from (Aside(path, "belongs to the template") for path in paths)


def _resource(template: Template, name: str, found: Any, scaled: list[Scaling]) -> Iterator[Part | Aside]:
    at = joined("Resources", name)
    resource: Json = found if is_object(found) else {}
    type_ = str(resource.get("Type"))
    scaling = next((one for one in scaled if one.name == name), None)
    if type_ not in {*OURS, TARGET, POLICY}:
        yield _other(at, type_, found)
    elif template.left_out(name):
        yield Aside(at, f"is not made: its condition {resource['Condition']} does not hold with the defaults")
    elif "Properties" not in resource and type_ == CLUSTER:
        yield Part("cluster", {}, at, plain_name(name))
    elif "Properties" not in resource:
        yield Aside(at, "it has no Properties: there is nothing to import", "refused")
    elif scaling is not None and not scaling.service:
        why = "put autoScaling into the Service" if scaling.ours else ""
        note = f"the Service that it scales is not in the template: {why}" if why else f"{type_} that scales no Service"
        yield Aside(at, note, "refused" if why else "ignored")
    else:
        for key in resource:
            if key != "Properties":
                yield Aside(joined(at, key), "belongs to the template")
        if type_ in OURS:
            own = tuple(one for one in scaled if one.service == name)
            value = template.properties(name)
            yield Part(OURS[type_], value, joined(at, "Properties"), plain_name(name), scaling=own)


def _other(at: str, kind: str, value: Any) -> Aside:
    if kind.startswith("AWS::ECS::"):
        call = CALLS.get(kind, f"Create{kind.rpartition(':')[2]}")
        field = calls()["other_calls"].fields.get(call)
        return Aside(at, f"{kind}: {field.note if field else 'it is not there yet.'}", "refused")
    if not is_object(value) and "AWS::ECS::" in str(value):
        return Aside(at, "AWS makes resources of this: import what `aws cloudformation get-template` prints", "refused")
    return Aside(at, f"{kind} is no resource of ECS")
