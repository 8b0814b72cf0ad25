"""A definition of ECS -> a manifest: names that Kubernetes takes, references that meet."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from berth import names
from berth.api.capacity_provider import CAPACITY_PROVIDER
from berth.api.cluster import CLUSTER
from berth.api.kind import Kind
from berth.api.service import SERVICE
from berth.api.task_definition import TASK_DEFINITION
from berth.fields import calls
from berth.gen.schema import structural
from berth.importer import scalars
from berth.importer.capacity import group_schema, provider_name, take_out_of_group
from berth.importer.fit import Misfit, fitted
from berth.importer.parts import Part
from berth.importer.placement import misplaced
from berth.importer.report import Row
from berth.importer.scalars import Schema
from berth.importer.shapes import is_object, is_scalar
from berth.importer.verdicts import judged
from berth.importer.walk import Spot, Walk
from berth.resources import GROUP, VERSION

Json = dict[str, Any]
NAME_LIMIT = 52
FAMILY = "^[a-zA-Z0-9_-]+$"
PORT_NAME = "^[a-z0-9_][a-z0-9_-]{0,63}$"
KINDS: dict[str, Kind] = {
    "task_definition": TASK_DEFINITION,
    "service": SERVICE,
    "cluster": CLUSTER,
    "cluster_capacity_providers": CLUSTER,
    "capacity_provider": CAPACITY_PROVIDER,
}
CALLS = {
    "task_definition": "register_task_definition",
    "service": "create_service",
    "cluster": "create_cluster",
    "cluster_capacity_providers": "create_cluster",
    "capacity_provider": "create_capacity_provider",
}
DEFAULT_CLUSTER = "default"
NO_IMAGE = "<IMAGE>"
BECOME_THE_NAME = {
    "task_definition": ("family",),
    "service": ("servicename", "service"),
    "cluster": ("clustername",),
    "cluster_capacity_providers": ("cluster",),
    "capacity_provider": ("name",),
}


@dataclass(frozen=True)
class Made:
    """What became of one definition; no manifest when too much of it is missing."""

    manifest: Json | None
    rows: list[Row]
    remarks: list[str]


def object_name(text: str) -> str:
    """The name of the object for any of ECS's names: the same for a definition and for those that refer to it."""
    made = names.dns_label(text, NAME_LIMIT)
    return made if made[:1].isalpha() else f"x{names.dns_label(made, NAME_LIMIT - 1)}"


def family_of(reference: str) -> str:
    """The family in `web`, `web:7` and arn:aws:ecs:...:task-definition/web:7."""
    tail = reference.rpartition("task-definition/")[2]
    return re.sub(r":[0-9]*$", "", tail)


def made(part: Part, file: str, only_family: str = "") -> Made:
    """`only_family` is the one task definition at hand, for a service that names none, as ecspresso keeps them."""
    kind = KINDS[part.kind]
    walk = Walk(calls()[CALLS[part.kind]], file, CONVERSIONS[part.kind], UNCHANGED)
    walk.over(part.value, Spot("", part.at, _written_as(part.kind), ()), None)
    if part.kind == "capacity_provider":
        take_out_of_group(walk)
    name, remarks = _name(part)
    if part.kind == "service" and is_object(part.value) and "taskDefinition" not in walk.spec:
        walk.spec["taskDefinition"] = object_name(only_family or name)
        remarks.append(
            f"{part.at or 'the service'} names no taskDefinition: {walk.spec['taskDefinition']} is taken, check it"
        )
    if part.kind == "task_definition" and "family" not in walk.spec and object_name(name) != name:
        walk.spec["family"] = _word(FAMILY)(name)
    remarks += _scaled(part, walk)
    if part.bare:
        for row in walk.rows:
            below = row.path.removeprefix(part.at).removeprefix(".").removeprefix("containerDefinitions")
            row.path = f"{part.at}{below}" if part.at or not below.startswith(".") else below[1:]
    if part.kind == "task_definition":
        remarks += [*_images(walk), *_network_mode(walk)]
    refused = misplaced(walk.spec, walk.rows)
    if part.kind == "task_definition":
        refused |= judged(walk.spec, walk.rows)
    try:
        spec = fitted(walk.spec, (kind.spec, schema_of(part.kind)), walk.rows, refused)
    except Misfit as missing:
        for row in walk.rows:
            row.refuse(f"not written: {missing}")
        return Made(None, walk.rows, [*remarks, f"{part.at or 'the definition'} is not written: {missing}"])
    manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind.kind, "metadata": {"name": _object(part.kind, name)}}
    return Made({**manifest, "spec": spec}, walk.rows, remarks)


def cluster_without_defaults(name: str) -> Json:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Cluster", "metadata": {"name": name}, "spec": {}}


def _scaled(part: Part, service: Walk) -> list[str]:
    """What a template says of scaling goes into the Service's autoScaling."""
    schema = schema_of("service")["properties"]["autoScaling"]
    walk = Walk(calls()["application_auto_scaling"], service.file, {})
    policies = [one for one in part.scaling if one.policy]
    for one in part.scaling:
        spot = Spot("", f"{part.around}.{one.at}".lstrip("."), schema, ("autoScaling",))
        if one.policy:
            place = ("autoScaling", "policies", policies.index(one))
            spot = Spot("policies[]", spot.path, schema["properties"]["policies"]["items"], place)
        walk.over(one.value, spot, None)
    service.rows += walk.rows
    service.spec.update(walk.spec)
    many = len([one for one in part.scaling if not one.policy]) > 1
    return ["more than one scalable target is for this service: the last one counts"] if many else []


def _images(walk: Walk) -> list[str]:
    """A pipeline puts the image in when it deploys: GitHub's action keeps its files without one."""
    missing: list[str] = []
    for container in walk.spec.get("containerDefinitions", []):
        if container.get("name") and not container.get("image"):
            container["image"] = NO_IMAGE
            missing.append(f"container {container['name']} has no image: fill in {NO_IMAGE} in the manifest")
    return missing


def _network_mode(walk: Walk) -> list[str]:
    """Of a definition that says none ECS takes bridge, we take awsvpc: it only matters for ports of the node."""
    spec = walk.spec
    if "networkMode" in spec or "FARGATE" in spec.get("requiresCompatibilities", []):
        return []
    mappings = [one for container in spec.get("containerDefinitions", []) for one in container.get("portMappings", [])]
    ports = [one["hostPort"] for one in mappings if one.get("hostPort") and one["hostPort"] != one.get("containerPort")]
    if not ports:
        return []
    spec["networkMode"] = "bridge"
    return [
        f"networkMode bridge is written, as ECS takes it: port {ports[0]} of the node has to be allowed by the platform"
    ]


def _name(part: Part) -> tuple[str, list[str]]:
    members: Json = part.value if is_object(part.value) else {}
    given = {key.lower(): value for key, value in members.items()}
    for key in BECOME_THE_NAME[part.kind]:
        value = given.get(key)
        if value is not None and is_scalar(value) and scalars.said(value).strip():
            text = scalars.said(value)
            return text if KINDS[part.kind] is CLUSTER else text.rpartition("/")[2], []
    if part.named:
        return part.name, []
    return part.name, [
        f"{part.at or 'the definition'} has no name of its own: {_object(part.kind, part.name)} is taken"
    ]


@cache
def schema_of(kind: str) -> Schema:
    """What the API server knows of a spec."""
    return structural(KINDS[kind].spec)


def _written_as(kind: str) -> Schema:
    """The same where ECS has the fields."""
    return group_schema() if kind == "capacity_provider" else schema_of(kind)


def _object(kind: str, name: str) -> str:
    """The name of the object that a definition becomes."""
    if kind == "capacity_provider":
        return provider_name(name)
    return _cluster(name) if KINDS[kind] is CLUSTER else object_name(name)


def _word(pattern: str) -> Callable[[str], str]:
    return lambda text: scalars.word(text, pattern, names.short(text))


def _cluster(text: str) -> str:
    """By its name or its ARN; one that a pipeline fills in is the default until then."""
    return DEFAULT_CLUSTER if scalars.placeholder(text) else object_name(text.rpartition("/")[2])


# Names that Kubernetes takes as they are lose nothing.
UNCHANGED: dict[str, Callable[[str], bool]] = {
    "family": lambda text: object_name(text) == text,
    "serviceName": lambda text: object_name(text) == text,
    "service": lambda text: object_name(text.rpartition("/")[2]) == text,
    "cluster": lambda text: _cluster(text) == text,
    "clusterName": lambda text: _cluster(text) == text,
    "name": lambda text: provider_name(text) == text,
    "containerDefinitions[].name": lambda text: names.dns_label(text) == text,
    "containerDefinitions[].portMappings[].name": lambda text: names.dns_label(text) == text,
}

OF_A_CLUSTER: dict[str, Callable[[str], str]] = {
    "capacityProviders": provider_name,
    "defaultCapacityProviderStrategy[].capacityProvider": provider_name,
}
CONVERSIONS: dict[str, dict[str, Callable[[str], str]]] = {
    "task_definition": {
        "family": _word(FAMILY),
        "containerDefinitions[].name": _word(FAMILY),
        "containerDefinitions[].dependsOn[].containerName": _word(FAMILY),
        "containerDefinitions[].volumesFrom[].sourceContainer": _word(FAMILY),
        "containerDefinitions[].mountPoints[].sourceVolume": _word(FAMILY),
        "containerDefinitions[].portMappings[].name": _word(PORT_NAME),
        "volumes[].name": _word(FAMILY),
    },
    "service": {
        "taskDefinition": lambda text: object_name(family_of(text)),
        "cluster": _cluster,
        "capacityProviderStrategy[].capacityProvider": provider_name,
    },
    "cluster": OF_A_CLUSTER,
    "cluster_capacity_providers": OF_A_CLUSTER,
    "capacity_provider": {},
}
