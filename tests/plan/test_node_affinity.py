"""An expression of ECS chooses the same nodes as the node affinity that it becomes."""

import operator
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berth.adapters import Platform
from berth.plan.cluster_query import And, Comparison, Expression, Not, Or, parse
from berth.plan.node_affinity import MOST_TERMS, Inexpressible, Terms, as_affinity, terms
from berth.plan.node_attribute import node_attribute
from berth.plan.outcome import Json
from berth.plan.placement_constraint import affinity
from support.placement import PLATFORM, chooses, constraint

# Attributes of an instance, as ECS has them, and values of each.
INSTANCES = {
    "ecs.availability-zone": ("us-east-1a", "us-east-1b", "us-east-1d"),
    "ecs.instance-type": ("t3.small", "t3a.small", "m5.large", "g2.2xlarge", "n2-standard-4"),
    "ecs.cpu-architecture": ("x86_64", "arm64"),
    "ecs.ami-id": ("ami-1", "ami-2"),
    "stack": ("prod", "test", "pro", ""),
    "rack": ("1", "2", "10", "0"),
}
PATTERNS = {
    "ecs.availability-zone": ("us-east-1[ab]", "us-east-1a|us-east-1d"),
    "ecs.instance-type": ("t3.*", r"t3\..*", "(m5|g2).*", "[mt].*large"),
    "ecs.cpu-architecture": ("x86.*", "arm64|riscv"),
    "ecs.ami-id": ("ami-.", "ami-[0-9]"),
    "stack": ("pro(d)?", "test|"),
    "rack": ("10?", "[12]"),
}
NAMES = st.sampled_from(sorted(INSTANCES))


@st.composite
def written(draw: st.DrawFn, depth: int = 3) -> str:
    """An expression as a user writes it."""
    if depth and draw(st.booleans()):
        inner = [draw(written(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
        if len(inner) == 1:
            return f"{draw(st.sampled_from(('not ', '!', 'not')))}({inner[0]})"
        word = draw(st.sampled_from((" and ", " && ", "&&", " or ", " || ")))
        return "(" + word.join(inner) + ")"
    return draw(compared())


@st.composite
def compared(draw: st.DrawFn) -> str:
    """One comparison, in any of the spellings."""
    name = draw(NAMES)
    values = st.sampled_from([value for value in INSTANCES[name] if value])
    several = st.lists(values, min_size=1, max_size=3).map(lambda found: f"[{', '.join(found)}]")
    patterns = st.sampled_from(PATTERNS[name]).map("'{}'".format)
    arguments: dict[str, st.SearchStrategy[str]] = {
        **dict.fromkeys(("exists", "!exists", "not_exists"), st.just("")),
        **dict.fromkeys(("==", "equals", "!=", "not_equals"), values),
        **dict.fromkeys(("in", "!in", "not_in"), several),
        **dict.fromkeys(("=~", "matches", "!~", "not_matches"), patterns),
    }
    if name == "rack":
        numbers = st.integers(0, 12).map(str)
        arguments |= dict.fromkeys((">", ">=", "<", "<=", "greater_than", "less_than_equal"), numbers)
    word = draw(st.sampled_from(sorted(arguments)))
    return f"attribute:{name} {word} {draw(arguments[word])}"


INSTANCE = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in INSTANCES.items()})
ORDER = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def fulfils(expression: Expression, instance: dict[str, str]) -> bool:
    """Whether ECS would choose an instance with these attributes."""
    if isinstance(expression, Not):
        return not fulfils(expression.part, instance)
    if isinstance(expression, And):
        return all(fulfils(part, instance) for part in expression.parts)
    if isinstance(expression, Or):
        return any(fulfils(part, instance) for part in expression.parts)
    return _holds(expression, instance.get(expression.subject.removeprefix("attribute:")))


def _holds(test: Comparison, value: str | None) -> bool:
    if value is None or test.operator == "exists":
        return value is not None
    if test.operator == "in":
        return value in test.values
    if test.operator == "matches":
        return re.fullmatch(test.values[0], value) is not None
    return bool(ORDER[test.operator](int(value), int(test.values[0])))


def node(instance: dict[str, str]) -> dict[str, str]:
    """The labels of the node that this instance is here."""
    labels: dict[str, str] = {}
    for name, value in instance.items():
        found = node_attribute(name, PLATFORM)
        assert found is not None
        labels[found.label] = found.word(value)
    return labels


@given(written(), st.lists(INSTANCE, min_size=1, max_size=8))
@settings(deadline=None, max_examples=200)
def test_the_same_nodes_are_chosen(text: str, instances: list[dict[str, str]]) -> None:
    expression = parse(text)
    assert not isinstance(expression, str), f"{text}: {expression}"
    try:
        found: Terms = terms(expression, PLATFORM)
    except Inexpressible as error:
        assert "alternatives" in str(error), text  # noqa: PT017  # only then
        return
    assert len(found) <= MOST_TERMS
    for instance in instances:
        assert chooses(as_affinity(found), node(instance)) is fulfils(expression, instance), (text, instance)


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("attribute:ecs.instance-type =~ n2-.*", "PlacementConstraintRefused", "fits none of the values"),
        ("attribute:ecs.instance-type =~ .*", "PlacementConstraintRefused", "more than 512"),
        ("attribute:stack =~ pro.*", "PlacementConstraintRefused", "in [ONE, OTHER]"),
        ("attribute:stack =~ (?=pro)", "PlacementConstraintRefused", "not understood"),
        ("attribute:rack > -1", "PlacementConstraintRefused", "whole numbers"),
        ("attribute:stack > prod", "PlacementConstraintRefused", "whole numbers"),
        ("attribute:stack == a/b", "PlacementConstraintRefused", "no value of a label"),
        (r"attribute:a\b exists", "PlacementConstraintRefused", "no label of a node"),
        ("attribute:ecs.ami-id == ami-1", "PlatformUnmapped", "`attributes: {ecs.ami-id: {label: LABEL}}`"),
        ("attribute:com.amazonaws.ecs.capability.task-eia exists", "PlatformUnmapped", "no label of nodes is known"),
        ("agentVersion < 1.14.5", "PlacementConstraintRefused", "no agent of ECS"),
        ("registeredAt < 2018-02-13", "PlacementConstraintRefused", "registeredAt"),
        ("runningTasksCount == 1", "PlacementConstraintRefused", "distinctInstance"),
        ("ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", "PlacementConstraintRefused", "kubernetes.io/hostname"),
        ("agentConnected == false", "PlacementConstraintRefused", "no node can ever fulfil it"),
        ("agentConnected > 1", "PlacementConstraintRefused", "true or false"),
        ("task:group == database", "PlacementConstraintRefused", "service:NAME"),
        ("task:group exists", "PlacementConstraintRefused", "service:NAME"),
        ("task:group =~ service:.*", "PlacementConstraintRefused", "service:NAME"),
        ("task:group in [service:a, family:b]", "PlacementConstraintRefused", "one kind"),
        ("task:group == service:a or attribute:a exists", "PlacementConstraintRefused", "no choice between"),
        ("zone == us-east-1a", "PlacementConstraintRefused", "zone is no subject"),
        ("attribute:a = b", "PlacementConstraintRefused", "character 13 starts what cannot stand there: = b"),
        ("(attribute:a == b", "PlacementConstraintRefused", "ends too early"),
        (
            " and ".join(f"(attribute:a{i} exists or attribute:b{i} exists)" for i in range(7)),
            "PlacementConstraintRefused",
            "more than 64 alternatives",
        ),
    ],
)
def test_what_node_affinity_cannot_say_is_refused_by_name(text: str, reason: str, words: str) -> None:
    found: Any = affinity([constraint(text)], Platform())
    assert (found.reason, words in found.message) == (reason, True), found.message
    assert found.message.startswith("placementConstraints[0].expression: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agentConnected == true", {}),
        ("agentConnected exists and attribute:a exists", [[("a", "Exists")]]),
        ("not (attribute:rack > 4)", [[("rack", "Lt", "5")], [("rack", "DoesNotExist")]]),
        ("attribute:a == or and attribute:b != 'in'", [[("a", "In", "or"), ("b", "NotIn", "in")]]),
        (
            "(attribute:a exists or attribute:b exists) and attribute:c == d",
            [[("a", "Exists"), ("c", "In", "d")], [("b", "Exists"), ("c", "In", "d")]],
        ),
        (
            "attribute:ecs.instance-type =~ g2.*",
            [[("node.kubernetes.io/instance-type", "In", "g2.2xlarge", "g2.8xlarge")]],
        ),
        ("attribute:ecs.cpu-architecture == x86_64", [[("kubernetes.io/arch", "In", "amd64")]]),
        ("attribute:karpenter.k8s.aws/instance-family == t3", [[("karpenter.k8s.aws/instance-family", "In", "t3")]]),
    ],
)
def test_an_expression_reads_as_node_affinity(text: str, expected: Any) -> None:
    found: Any = affinity([constraint(text)], Platform())
    assert _short(found) == expected


def _short(found: Json) -> Any:
    if not found:
        return {}
    selector = found["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return [
        [(one["key"], one["operator"], *one.get("values", [])) for one in term["matchExpressions"]]
        for term in selector["nodeSelectorTerms"]
    ]


def test_deep_expressions_cost_no_stack() -> None:
    deep = "(" * 900 + "attribute:a exists" + ")" * 900
    assert parse(deep) == Comparison("attribute:a", "exists")
    assert parse("!" * 1001 + "attribute:a exists") == Not(Comparison("attribute:a", "exists"))
