"""Application Auto Scaling in a template: its targets and policies belong into the Services that they scale."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from berth.importer.cloudformation import SERVICE, Template
from berth.importer.report import joined
from berth.importer.shapes import Json, is_list, is_object, is_scalar

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")


@dataclass(frozen=True)
class Scaling:
    """A target or a policy, and where it stands."""

    name: str
    value: Any
    policy: bool
    service: str = ""
    """The logical name of the Service that it is about; empty when the template does not know it."""
    ours: bool = True
    """False for what scales a table of DynamoDB and the like."""

    @property
    def at(self) -> str:
        return joined(joined("Resources", self.name), "Properties")


def scalings(template: Template) -> list[Scaling]:
    """Every target, then every policy."""
    targets: dict[str, Scaling] = {}
    for name in _of(template, TARGET):
        value, service = template.properties(name), _service(template, _properties(template, name).get("ResourceId"))
        targets[name] = Scaling(name, value, policy=False, service=service, ours=bool(service) or _of_ecs(value))
    policies = [_policy(template, name, targets) for name in _of(template, POLICY)]
    return [*targets.values(), *policies]


def _policy(template: Template, name: str, targets: dict[str, Scaling]) -> Scaling:
    properties, value = _properties(template, name), template.properties(name)
    named = next((one for one in _named(properties.get("ScalingTargetId")) if one in targets), "")
    if named:
        return Scaling(name, value, policy=True, service=targets[named].service, ours=targets[named].ours)
    service = _service(template, properties.get("ResourceId"))
    return Scaling(name, value, policy=True, service=service, ours=bool(service) or _of_ecs(value))


def _of(template: Template, kind: str) -> list[str]:
    return [name for name in template.of_type(kind) if not template.left_out(name)]


def _of_ecs(value: Any) -> bool:
    members: Json = value if is_object(value) else {}
    said = [str(members[key]).lower() for key in ("ServiceNamespace", "ScalableDimension") if key in members]
    return any(one == "ecs" or one.startswith(("ecs:", "${")) for one in said)


def _properties(template: Template, name: str) -> Json:
    found = template.resources[name].get("Properties")
    return found if is_object(found) else {}


def _service(template: Template, resource: Any) -> str:
    """By a reference to it, or by its name at the end of `service/cluster/name`."""
    services = [name for name in _of(template, SERVICE) if "Properties" in template.resources[name]]
    found = [name for name in _named(resource) if name in services]
    if found:
        return found[-1]
    text = template.resolved(resource)
    last = text.rpartition("/")[2] if isinstance(text, str) else ""
    return next((name for name in services if template.resolved({"Ref": name}) == last), "")


def _named(value: Any) -> Iterator[str]:
    """The logical names that a value refers to, in order."""
    if is_object(value):
        for key, member in value.items():
            if key == "Ref" or (key == "Fn::GetAtt" and is_scalar(member)):
                yield str(member).partition(".")[0]
            elif key == "Fn::GetAtt" and is_list(member) and member:
                yield str(member[0])
            else:
                yield from _named(member)
    elif is_list(value):
        for item in value:
            yield from _named(item)
    elif isinstance(value, str):
        yield from _REFERENCE.findall(value)
