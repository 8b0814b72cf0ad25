"""dependsOn as Kubernetes knows order: init containers run to their end, sidecars start one after the other.

Whoever is waited for stands among the init containers, in topological order: as a sidecar, which lets the next one
start once it runs (START) or its startup probe has passed (HEALTHY), or as a container that ends (SUCCESS, COMPLETE).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from berth.api.container import ContainerDefinition
from berth.plan.outcome import Blocked
from berth.plan.translation import Translation

Role = Literal["main", "sidecar", "once"]
Edges = Mapping[str, Mapping[str, str]]
"""By the name of who waits: whom for, and for what."""

ENDED = frozenset({"COMPLETE", "SUCCESS"})
DEPENDS_ON = "containerDefinitions[].dependsOn"

TRANSLATIONS = (
    Translation(
        DEPENDS_ON,
        "Close",
        "initContainers in topological order: sidecars, startup probes, and containers that end",
        "containers that others wait for start one after the other, in one order; one that is to end is run again "
        "until it succeeds, or sets its exit code aside for COMPLETE, and stops for good only with its task",
    ),
    Translation(
        "containerDefinitions[].startTimeout",
        "Close",
        "startupProbe.failureThreshold where others wait for HEALTHY",
        "a container that is not HEALTHY in this time is restarted, where ECS gives the task up; "
        "for other conditions nothing watches the time",
    ),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """A task's containers in the order that they start in."""

    init: tuple[ContainerDefinition, ...]
    main: tuple[ContainerDefinition, ...]
    roles: Mapping[str, Role]
    awaited: Mapping[str, frozenset[str]]
    """The conditions that others wait for, by container."""


def edges(definitions: Sequence[ContainerDefinition]) -> dict[str, dict[str, str]]:
    """Who waits for whom: as dependsOn says, and for links and log routers where that makes no cycle, as ECS does."""
    found: dict[str, dict[str, str]] = {
        one.name: {edge.container_name: edge.condition for edge in one.depends_on or ()} for one in definitions
    }
    for one in definitions:
        for other in _implied(one, definitions):
            if other not in found[one.name] and one.name not in reached(found, other):
                found[one.name][other] = "START"
    return found


def reached(found: Edges, start: str) -> set[str]:
    """Whom a container waits for in the end, itself included."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead.extend(found.get(name, ()))
    return seen


def refused(definitions: Sequence[ContainerDefinition]) -> Blocked | None:
    """The edge that no order of a pod's containers can keep."""
    found = edges(definitions)
    for name, waits in found.items():
        for other, condition in waits.items():
            if name in reached(found, other):
                return Blocked(
                    "DependencyCycle",
                    f"dependsOn: {name} waits for {other} ({condition}), which in the end waits for {name}; "
                    "take one of these edges away",
                    stalled=True,
                )
    awaited = _awaited(found)
    for name, waits in found.items():
        for other, condition in waits.items():
            if condition == "HEALTHY" and ENDED & awaited.get(other, frozenset()):
                return Blocked(
                    "DependencyImpossible",
                    f"dependsOn: {name} waits until {other} is HEALTHY, and another container waits until {other} has "
                    "ended; on Kubernetes a container that is waited for to end has no health: use one of the two",
                    stalled=True,
                )
    return None


def layout(definitions: Sequence[ContainerDefinition]) -> Layout:
    """Where each container goes. The definitions have no cycle."""
    found = edges(definitions)
    awaited = _awaited(found)
    roles: dict[str, Role] = {one.name: _role(one, awaited.get(one.name, frozenset())) for one in definitions}
    if "main" not in roles.values():
        # A pod needs one container that is no init container: those whom nobody waits for.
        roles |= dict.fromkeys((name for name in roles if name not in awaited), "main")
    ordered = _in_order(definitions, found, awaited)
    return Layout(
        init=tuple(one for one in ordered if roles[one.name] != "main"),
        main=tuple(one for one in definitions if roles[one.name] == "main"),
        roles=roles,
        awaited=awaited,
    )


def _implied(one: ContainerDefinition, definitions: Sequence[ContainerDefinition]) -> list[str]:
    names = {other.name for other in definitions} - {one.name}
    linked = [link.partition(":")[0] for link in one.links or ()]
    if one.log_configuration is not None and one.log_configuration.log_driver == "awsfirelens":
        linked += [other.name for other in definitions if other.firelens_configuration is not None]
    return [name for name in linked if name in names]


def _awaited(found: Edges) -> dict[str, frozenset[str]]:
    conditions: dict[str, set[str]] = {}
    for waits in found.values():
        for other, condition in waits.items():
            conditions.setdefault(other, set()).add(condition)
    return {name: frozenset(kinds) for name, kinds in conditions.items()}


def _role(definition: ContainerDefinition, awaited: frozenset[str]) -> Role:
    if ENDED & awaited:
        return "once"
    # A router of logs starts first and stops last, and what is not essential must not keep a task from ending.
    beside = bool(awaited) or not definition.essential or definition.firelens_configuration is not None
    return "sidecar" if beside else "main"


def _in_order(
    definitions: Sequence[ContainerDefinition], found: Edges, awaited: Mapping[str, frozenset[str]]
) -> list[ContainerDefinition]:
    """Topological, and otherwise as written; those whom nobody waits for come last."""
    left = sorted(definitions, key=lambda one: one.name not in awaited)
    ordered: list[ContainerDefinition] = []
    done: set[str] = set()
    while left:
        ready = next(one for one in left if done.issuperset(found[one.name]))
        left.remove(ready)
        ordered.append(ready)
        done.add(ready.name)
    return ordered
