"""Placement constraints: memberOf is node affinity, distinctInstance keeps a Service's tasks on different nodes."""

from collections.abc import Sequence
from typing import Any

from berth import names
from berth.adapters import Platform
from berth.api.placement import PlacementConstraint, ServicePlacementConstraint
from berth.plan import pattern
from berth.plan.affinity import REQUIRED, beside, of_service
from berth.plan.cluster_query import And, Comparison, Expression, Not, comparisons, parse
from berth.plan.node_affinity import ANYWHERE, NOWHERE, Inexpressible, as_affinity, both, terms
from berth.plan.outcome import Blocked, Json
from berth.plan.place import unmapped
from berth.plan.translation import Around, Translation

Constraints = Sequence[PlacementConstraint | ServicePlacementConstraint]
FIELD = "placementConstraints"
GROUP = "task:group"
SERVICE_NAME = 52


def _has_no_counterpart(value: Any, _: Around) -> bool:
    found = affinity([PlacementConstraint(type="memberOf", expression=str(value))], Platform())
    return isinstance(found, Blocked) and found.reason != "PlatformUnmapped"


def _compares_a_list(value: Any, _: Around) -> bool:
    expression = parse(str(value))
    return not isinstance(expression, str) and any(
        test.operator == "matches" and _is_endless(test.values[0]) for test in comparisons(expression)
    )


def _is_endless(text: str) -> bool:
    parsed = pattern.parse(text)
    return parsed is None or pattern.listed(parsed) is None


TRANSLATIONS = (
    Translation(
        f"{FIELD}[].expression",
        "Refused",
        "nothing",
        "node affinity cannot say it (docs/placement.md has what it can): name the values that a pattern stands for, "
        "and leave out what nodes have not: agentVersion, registeredAt, runningTasksCount, ec2InstanceId",
        when=_has_no_counterpart,
    ),
    Translation(
        f"{FIELD}[].expression",
        "Close",
        "required node affinity",
        "a pattern is compared with the values that are known when a deployment starts: instance types of EC2, or what "
        "the platform file lists; a node with a value that comes later is not found",
        when=_compares_a_list,
    ),
    Translation(f"{FIELD}[].expression", "Exact", "required node affinity; task:group: required pod affinity"),
    Translation(FIELD, "Exact", "required node affinity"),
)


def refused(constraints: Constraints | None, platform: Platform) -> Blocked | None:
    """What nobody can place; what the platform could map is told where tasks are made."""
    found = affinity(constraints or (), platform)
    return found if isinstance(found, Blocked) and found.reason != "PlatformUnmapped" else None


def affinity(constraints: Constraints, platform: Platform, service: str = "") -> Json | Blocked:
    """The affinity that keeps to these constraints, or the sentence about the first that it cannot keep to."""
    nodes, beside_tasks, apart = ANYWHERE, list[Json](), list[Json]()
    for index, constraint in enumerate(constraints):
        if constraint.type == "distinctInstance":
            apart.append(beside(of_service(service)))
            continue
        field = f"{FIELD}[{index}].expression"
        expression = parse(constraint.expression or "")
        if isinstance(expression, str):
            return _blocked(field, expression)
        try:
            for part in _conjuncts(expression):
                group, wanted = _group(part)
                if group is not None:
                    (beside_tasks if wanted else apart).append(beside(_members(group)))
                else:
                    nodes = both(nodes, terms(part, platform))
        except Inexpressible as error:
            return unmapped(field, str(error), error.line) if error.line else _blocked(field, str(error))
        if nodes == NOWHERE:
            return _blocked(field, "no node can ever fulfil it")
    made = as_affinity(nodes)
    if beside_tasks:
        made["podAffinity"] = {REQUIRED: beside_tasks}
    if apart:
        made["podAntiAffinity"] = {REQUIRED: apart}
    return made


def _blocked(field: str, message: str) -> Blocked:
    return Blocked("PlacementConstraintRefused", f"{field}: {message}", stalled=True)


def _conjuncts(expression: Expression) -> tuple[Expression, ...]:
    if not isinstance(expression, And):
        return (expression,)
    return tuple(part for inner in expression.parts for part in _conjuncts(inner))


def _group(part: Expression) -> tuple[Comparison | None, bool]:
    """The test of a task group that a part is, and whether its tasks are wanted on the node or not."""
    inner = part.part if isinstance(part, Not) else part
    if isinstance(inner, Comparison) and inner.subject == GROUP:
        return inner, inner is part
    return None, True


def _members(test: Comparison) -> list[Json]:
    """The labels of the tasks of one of these groups: service:NAME or family:NAME."""
    values = test.values
    if test.operator == "matches":
        parsed = pattern.parse(values[0])
        values = (pattern.listed(parsed) if parsed is not None else None) or ()
    kinds = {value.partition(":")[0] for value in values}
    if test.operator not in {"in", "matches"} or kinds not in ({"service"}, {"family"}):
        raise Inexpressible(
            f"{GROUP} is compared with service:NAME or with family:NAME by ==, != or `in`, one kind in a list"
        )
    groups = [value.partition(":")[2] for value in values]
    if kinds == {"service"}:
        found = [names.dns_label(group, SERVICE_NAME) for group in groups]
        return [{"key": names.SERVICE, "operator": "In", "values": found}]
    return [
        {"key": names.FAMILY, "operator": "In", "values": [names.label_value(group) for group in groups]},
        {"key": names.SERVICE, "operator": "DoesNotExist"},
    ]
