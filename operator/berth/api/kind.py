"""A custom resource as a whole: what the generator needs beside the models."""

from dataclasses import dataclass

from berth.api.schema import Rule, Shape


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; priority 1 shows it with `-o wide` only."""

    name: str
    type: str
    json_path: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Scale:
    """Where `/scale` finds its numbers, for `kubectl scale` and for autoscalers."""

    spec_replicas: str
    status_replicas: str
    selector: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One custom resource."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    description: str
    spec: type[Shape]
    status: type[Shape]
    columns: tuple[Column, ...]
    namespaced: bool = True
    rules: tuple[Rule, ...] = ()
    """Rules over the whole object, for example over metadata.name; `holds` gets the object as JSON."""
    scale: Scale | None = None


def name_rule(most: int, why: str) -> Rule:
    """Names become label values and parts of other names, so they are DNS labels of limited length."""
    return Rule(
        cel=f"self.metadata.name.size() <= {most} && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        message=(
            f"metadata.name must have at most {most} characters of a-z, 0-9 and '-', starting with a letter "
            f"and ending with a letter or digit: {why}"
        ),
        holds=lambda body: _fits(str(body["metadata"]["name"]), most),
        field=".metadata.name",
    )


def _fits(name: str, most: int) -> bool:
    inner = name.replace("-", "a")
    return (
        len(name) <= most
        and inner.isascii()
        and inner.isalnum()
        and inner == inner.lower()
        and name[0].isalpha()
        and name[-1] != "-"
    )


READY = Column("Ready", "string", ".status.conditions[?(@.type=='Ready')].status")
REASON = Column("Reason", "string", ".status.conditions[?(@.type=='Ready')].reason")
MESSAGE = Column("Message", "string", ".status.conditions[?(@.type=='Ready')].message", priority=1)
AGE = Column("Age", "date", ".metadata.creationTimestamp")
