"""ECS's attributes of a container instance as labels of a node."""

import re
from dataclasses import dataclass, field

from berth.adapters import Platform
from berth.plan.instance_types import INSTANCE_TYPES

ATTRIBUTE = "attribute:"
ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
OWN = ("ecs.", "com.amazonaws.")
"""Attributes that ECS itself gives to an instance; all others are the platform's own."""
LABEL_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class NodeAttribute:
    """The label that an attribute is, and how ECS's values stand in it."""

    label: str
    values: tuple[str, ...] = ()
    """Every value that there is, in ECS's words: what a pattern is compared with."""
    words: dict[str, str] = field(default_factory=dict[str, str])
    """Values that have another word in the label."""

    def word(self, value: str) -> str:
        return self.words.get(value, value)


KNOWN = {
    "ecs.availability-zone": NodeAttribute(ZONE),
    "ecs.instance-type": NodeAttribute("node.kubernetes.io/instance-type", INSTANCE_TYPES),
    "ecs.os-type": NodeAttribute("kubernetes.io/os", ("linux", "windows")),
    "ecs.cpu-architecture": NodeAttribute("kubernetes.io/arch", ("x86_64", "arm64"), {"x86_64": "amd64"}),
}


def node_attribute(name: str, platform: Platform) -> NodeAttribute | None:
    """What the platform says, what Kubernetes' labels say, or the label of the same name; None where none can be."""
    said = platform.attributes.get(name)
    known = KNOWN.get(name)
    if said is not None:
        words = known.words if known else {}
        return NodeAttribute(said.label, said.values or (known.values if known else ()), words)
    if known is not None:
        return known
    return None if name.startswith(OWN) or not LABEL_KEY.fullmatch(name) else NodeAttribute(name)


def is_of_ecs(name: str) -> bool:
    """True for attributes that only AWS's own nodes have: the platform can say what they are here."""
    return name.startswith(OWN)
