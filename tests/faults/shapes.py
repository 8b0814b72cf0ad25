"""How server-side apply sees each kind: which lists merge by which keys, what is atomic, and what is filled in."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import yaml

from berth.plan.outcome import Json
from berth.resources import (
    AUTOSCALER,
    CONTROLLER_REVISION,
    CORE_SERVICE,
    DEPLOYMENT,
    GROUP,
    Resource,
)
from faults.values import is_list, is_map

CRDS = Path(__file__).parents[2] / "crds"


@dataclass(frozen=True, slots=True)
class Shape:
    """One place in an object. By default a map merges by field and a list is atomic."""

    atomic: bool = False
    keys: tuple[str, ...] = ()
    """A list of maps that merges by these keys."""
    is_set: bool = False
    open: bool = False
    """A map without declared fields: each of its keys is owned by itself."""
    fields: Mapping[str, "Shape"] = field(default_factory=lambda: MappingProxyType({}))
    item: "Shape | None" = None
    """The values of a map without declared fields, or the items of a list."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What an item's key is when it is left out."""

    def at(self, name: str) -> "Shape":
        return self.fields.get(name) or self.item or PLAIN

    @property
    def items(self) -> "Shape":
        return self.item or PLAIN


PLAIN = Shape()
ATOMIC = Shape(atomic=True)
MAP = Shape(open=True)


def _struct(**fields: Shape) -> Shape:
    return Shape(fields=fields)


def _list(*keys: str, item: Shape = PLAIN, **defaults: Any) -> Shape:
    return Shape(keys=keys, item=item, defaults=defaults)


_METADATA = _struct(
    labels=MAP,
    annotations=MAP,
    ownerReferences=_list("uid", item=ATOMIC),
    finalizers=Shape(is_set=True),
)
_CONTAINER = _struct(
    ports=_list("containerPort", "protocol", protocol="TCP"),
    env=_list("name", item=_struct(valueFrom=_struct(secretKeyRef=ATOMIC, configMapKeyRef=ATOMIC, fieldRef=ATOMIC))),
    volumeMounts=_list("mountPath"),
    resources=_struct(limits=MAP, requests=MAP),
)
_POD = _struct(
    containers=_list("name", item=_CONTAINER),
    initContainers=_list("name", item=_CONTAINER),
    volumes=_list("name"),
    imagePullSecrets=_list("name", item=ATOMIC),
    topologySpreadConstraints=_list("topologyKey", "whenUnsatisfiable", item=_struct(labelSelector=ATOMIC)),
    nodeSelector=ATOMIC,
)
_SHAPES: Mapping[Resource, Shape] = {
    DEPLOYMENT: _struct(
        metadata=_METADATA,
        spec=_struct(selector=ATOMIC, template=_struct(metadata=_METADATA, spec=_POD)),
        status=_struct(conditions=_list("type")),
    ),
    CORE_SERVICE: _struct(
        metadata=_METADATA, spec=_struct(selector=ATOMIC, ports=_list("port", "protocol", protocol="TCP"))
    ),
    AUTOSCALER: _struct(metadata=_METADATA),
    CONTROLLER_REVISION: _struct(metadata=_METADATA, data=ATOMIC),
}


@functools.cache
def shape_of(resource: Resource) -> Shape:
    if resource.group == GROUP:
        return _from_schema(_crd(resource.plural), top=True)
    return _SHAPES.get(resource) or _struct(metadata=_METADATA)


def defaulted(resource: Resource, body: Json) -> Json:
    """The object with the defaults that the API server fills in, as far as anything here can notice them."""
    if resource.group == GROUP:
        return cast("Json", _filled(body, _crd(resource.plural)))
    if resource == DEPLOYMENT:
        return _deployment(body)
    if resource == CORE_SERVICE:
        spec = {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", **body["spec"]}
        return {**body, "spec": spec, "status": body.get("status") or {"loadBalancer": {}}}
    return body


def has_status(resource: Resource) -> bool:
    """Whether status is a subresource, which writes of the object itself leave alone."""
    return resource.group == GROUP or resource in {DEPLOYMENT, AUTOSCALER, CORE_SERVICE}


def counts_generations(resource: Resource) -> bool:
    return resource.group == GROUP or resource == DEPLOYMENT


@functools.cache
def _crd(plural: str) -> Json:
    crd = yaml.safe_load((CRDS / f"{plural}.yaml").read_text())
    return cast("Json", crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


_CACHE: dict[int, Shape] = {}


def _from_schema(schema: Json, *, top: bool = False) -> Shape:
    """A structural schema's shape; schemas live as long as the process, so their identity is their name."""
    known = _CACHE.get(id(schema))
    if known is None:
        known = _CACHE[id(schema)] = _converted(schema, top=top)
    return known


def _converted(schema: Json, *, top: bool) -> Shape:
    if schema.get("type") == "array":
        item = _from_schema(schema.get("items") or {})
        kind = schema.get("x-kubernetes-list-type", "atomic")
        if kind == "map":
            keys = tuple(schema["x-kubernetes-list-map-keys"])
            properties: Json = schema["items"]["properties"]
            defaults = {key: properties[key]["default"] for key in keys if "default" in properties[key]}
            return Shape(keys=keys, item=item, defaults=defaults)
        return Shape(is_set=kind == "set", item=item)
    if schema.get("x-kubernetes-map-type") == "atomic":
        return ATOMIC
    declared: Json = schema.get("properties") or {}
    fields = {name: _from_schema(one) for name, one in declared.items()}
    if top:
        fields["metadata"] = _METADATA
    if "additionalProperties" in schema:
        return Shape(open=True, item=_from_schema(schema["additionalProperties"]))
    return Shape(fields=fields, open=bool(schema.get("x-kubernetes-preserve-unknown-fields")))


def _filled(value: Any, schema: Json) -> Any:
    if is_map(value):
        found: Json = dict(value)
        properties: Json = schema.get("properties") or {}
        for name, one in properties.items():
            if name not in found and "default" in one:
                found[name] = one["default"]
        rest: Any = schema.get("additionalProperties")
        for name in list(found):
            inner: Json | None = properties.get(name) or (rest if is_map(rest) else None)
            if inner:
                found[name] = _filled(found[name], inner)
        return found
    if is_list(value) and schema.get("items"):
        return [_filled(one, schema["items"]) for one in value]
    return value


def _deployment(body: Json) -> Json:
    spec: Json = {"progressDeadlineSeconds": 600, "replicas": 1, **body["spec"]}
    pod: Json = spec["template"]["spec"]
    pod = {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        **pod,
    }
    pod["containers"] = [
        {
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            **one,
        }
        for one in pod["containers"]
    ]
    spec["template"] = {**spec["template"], "spec": pod}
    return {**body, "spec": spec}
