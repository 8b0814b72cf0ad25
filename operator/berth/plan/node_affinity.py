"""An expression of ECS's query language as node affinity: one of the terms must hold, with all its requirements.

Node affinity knows In, NotIn, Exists, DoesNotExist, Gt and Lt, and no brackets. So negations move inward to the single
tests, and alternatives outward to the terms; what then is no such test, or makes too many terms, is refused.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from berth.adapters import Platform
from berth.plan import pattern
from berth.plan.cluster_query import And, Comparison, Expression, Not
from berth.plan.node_attribute import ATTRIBUTE, NodeAttribute, is_of_ecs, node_attribute
from berth.plan.outcome import Json

Term = tuple[Json, ...]
Terms = tuple[Term, ...]
ANYWHERE: Terms = ((),)
NOWHERE: Terms = ()
MOST_TERMS = 64
MOST_VALUES = 512
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
WITHOUT_COUNTERPART = {
    "agentVersion": "nodes have no agent of ECS; leave the test out",
    "registeredAt": "nodes are not chosen by their age; leave the test out, or give new nodes a label",
    "runningTasksCount": "nodes are not chosen by the number of their tasks; "
    "distinctInstance or placementStrategy spreads or packs tasks",
    "ec2InstanceId": "nodes are not known by EC2's ids; use attribute:kubernetes.io/hostname and the node's name",
}


class Inexpressible(ValueError):  # noqa: N818  # a finding about the input
    """What node affinity cannot say, in a sentence."""

    def __init__(self, message: str, line: str = "") -> None:
        super().__init__(message)
        self.line = line
        """The line of the platform file that would cure it."""


def terms(expression: Expression, platform: Platform) -> Terms:
    """The terms of node affinity that choose the same nodes; raises Inexpressible."""
    return _terms(expression, platform, wanted=True)


def both(first: Terms, second: Terms) -> Terms:
    """Terms that hold where one of the first and one of the second do."""
    return _distinct(_merged(one, other) for one in first for other in second)


def as_affinity(found: Terms) -> Json:
    """Nothing for terms that hold anywhere: a term without requirements would choose no node."""
    if () in found:
        return {}
    selector = {"nodeSelectorTerms": [{"matchExpressions": list(term)} for term in found]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}


def _terms(expression: Expression, platform: Platform, *, wanted: bool) -> Terms:
    if isinstance(expression, Not):
        return _terms(expression.part, platform, wanted=not wanted)
    if isinstance(expression, Comparison):
        return _test(expression, platform, wanted=wanted)
    parts = (_terms(part, platform, wanted=wanted) for part in expression.parts)
    if isinstance(expression, And) is not wanted:
        return _distinct(term for part in parts for term in part)
    made = ANYWHERE
    for part in parts:
        made = both(made, part)
    return made


def _distinct(found: Iterable[Term]) -> Terms:
    made: list[Term] = []
    for term in found:
        if term not in made:
            made.append(term)
        if len(made) > MOST_TERMS:
            raise Inexpressible(
                f"it has more than {MOST_TERMS} alternatives once its brackets are resolved; use `in` for several "
                "values of one attribute, or a label that says the same"
            )
    return tuple(made)


def _merged(one: Term, other: Term) -> Term:
    return (*one, *(requirement for requirement in other if requirement not in one))


def _test(test: Comparison, platform: Platform, *, wanted: bool) -> Terms:
    if test.subject == "agentConnected":
        return _connected(test, wanted=wanted)
    if test.subject in WITHOUT_COUNTERPART:
        raise Inexpressible(f"{test.subject}: {WITHOUT_COUNTERPART[test.subject]}")
    if test.subject == "task:group":
        raise Inexpressible(
            "task:group can stand alone or be joined by `and`, not within `or`, `not (... and ...)` or a pattern: "
            "Kubernetes has no choice between tasks and nodes"
        )
    if not test.subject.startswith(ATTRIBUTE):
        raise Inexpressible(
            f"{test.subject} is no subject; there are attribute:NAME, task:group, agentConnected, agentVersion, "
            "ec2InstanceId, registeredAt and runningTasksCount"
        )
    name = test.subject.removeprefix(ATTRIBUTE)
    attribute = node_attribute(name, platform)
    if attribute is None:
        raise _unknown(name)
    return OPERATORS[test.operator](test, attribute, wanted)


def _unknown(name: str) -> Inexpressible:
    if is_of_ecs(name):
        return Inexpressible(
            f"no label of nodes is known for attribute:{name}", f"attributes: {{{name}: {{label: LABEL}}}}"
        )
    return Inexpressible(f"attribute:{name} can be no label of a node; use a name of letters, digits, '-', '_' and '.'")


def _connected(test: Comparison, *, wanted: bool) -> Terms:
    """Tasks are placed on nodes that answer anyway."""
    if test.operator not in {"in", "exists"} or not {"true", "false"} >= set(test.values):
        raise Inexpressible("agentConnected is compared with true or false by ==, != or `in`")
    return ANYWHERE if (test.operator == "exists" or "true" in test.values) is wanted else NOWHERE


def _exists(_: Comparison, attribute: NodeAttribute, wanted: bool) -> Terms:  # noqa: FBT001  # one of a table
    return ((_requirement(attribute, "Exists" if wanted else "DoesNotExist"),),)


def _in(test: Comparison, attribute: NodeAttribute, wanted: bool) -> Terms:  # noqa: FBT001  # one of a table
    values = [attribute.word(value) for value in test.values]
    for value in values:
        if not LABEL_VALUE.fullmatch(value):
            raise Inexpressible(f"{test.subject}: {value} can be no value of a label, so no node can have it")
    return _among(attribute, values, wanted=wanted)


def _matches(test: Comparison, attribute: NodeAttribute, wanted: bool) -> Terms:  # noqa: FBT001  # one of a table
    text = test.values[0]
    parsed = pattern.parse(text)
    if parsed is None:
        raise Inexpressible(
            f"{test.subject}: {text} is a pattern of a kind that is not understood here; "
            "name the values: in [ONE, OTHER]"
        )
    found = pattern.listed(parsed)
    if found is None:
        found = _fitting(text, attribute.values)
    # A label has no value that label values cannot be, so a pattern loses nothing by it.
    values = [attribute.word(value) for value in found if LABEL_VALUE.fullmatch(attribute.word(value))]
    if not values or len(values) > MOST_VALUES:
        raise Inexpressible(
            f"{test.subject}: {text} {_extent(attribute, values)}, and node affinity has no patterns; "
            f"name the values: in [ONE, OTHER]{_instead(test.subject)}"
        )
    return _among(attribute, values, wanted=wanted)


def _instead(subject: str) -> str:
    """Karpenter labels its nodes with parts of the type."""
    return ", or use attribute:karpenter.k8s.aws/instance-family" if subject.endswith("ecs.instance-type") else ""


@lru_cache(maxsize=256)
def _fitting(text: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Services ask again at each reconciliation, and there are 1,400 instance types."""
    parsed = pattern.parse(text)
    return tuple(value for value in values if parsed is not None and pattern.matches(parsed, value))


def _extent(attribute: NodeAttribute, found: list[str]) -> str:
    if not attribute.values:
        return "stands for values without end"
    return f"fits more than {MOST_VALUES} values" if found else "fits none of the values that are known"


def _compared(test: Comparison, attribute: NodeAttribute, wanted: bool) -> Terms:  # noqa: FBT001  # one of a table
    text = test.values[0]
    if not re.fullmatch(r"\d{1,18}", text):
        raise Inexpressible(
            f"{test.subject} {test.operator} {text}: labels are compared as whole numbers only; "
            "name the values: in [ONE, OTHER]"
        )
    number = int(text)
    above, below = {">": (number, None), ">=": (number - 1, None), "<": (None, number), "<=": (None, number + 1)}[
        test.operator
    ]
    if wanted:
        return ((_bound(attribute, above, below),),)
    # A node without the label is neither above nor below.
    opposite = _bound(attribute, None if below is None else below - 1, None if above is None else above + 1)
    return ((opposite,), (_requirement(attribute, "DoesNotExist"),))


def _bound(attribute: NodeAttribute, above: int | None, below: int | None) -> Json:
    if above is None:
        return _requirement(attribute, "Lt", [str(below)])
    # No label is a negative number, and the API server takes none to compare with.
    return _requirement(attribute, "Exists") if above < 0 else _requirement(attribute, "Gt", [str(above)])


def _among(attribute: NodeAttribute, values: list[str], *, wanted: bool) -> Terms:
    return ((_requirement(attribute, "In" if wanted else "NotIn", list(dict.fromkeys(values))),),)


def _requirement(attribute: NodeAttribute, operator: str, values: list[str] | None = None) -> Json:
    requirement: Json = {"key": attribute.label, "operator": operator}
    return requirement | ({"values": values} if values else {})


OPERATORS: dict[str, Callable[[Comparison, NodeAttribute, bool], Terms]] = {
    "in": _in,
    "exists": _exists,
    "matches": _matches,
    **dict.fromkeys((">", ">=", "<", "<="), _compared),
}
