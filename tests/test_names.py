"""Derived names fit Kubernetes' limits, and two never meet."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth import names

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
ECS_NAME = st.text("abcXYZ019_-", min_size=1, max_size=255)


@given(ECS_NAME)
def test_every_ecs_name_becomes_a_dns_label(text: str) -> None:
    label = names.dns_label(text)
    assert DNS_LABEL.fullmatch(label)
    assert len(label) <= names.NAME_LIMIT


@given(ECS_NAME, ECS_NAME)
def test_two_names_never_become_one(one: str, other: str) -> None:
    assert (names.dns_label(one) == names.dns_label(other)) == (one == other)


@given(st.text("abc-_.XYZ ", max_size=300))
def test_label_values_are_label_values(text: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", names.label_value(text))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (names.joined("web", "fargate-spot"), "web-fargate-spot"),
        (names.joined("web", ""), "web"),
        (names.revision("web", 7), "web-7"),
        (names.deployment_record("web", 3), "web-deployment-3"),
        (names.provider("FARGATE_SPOT"), "fargate-spot"),
        (names.dns_label("web"), "web"),
    ],
)
def test_plain_names_stay_plain(made: str, expected: str) -> None:
    assert made == expected


def test_a_name_that_is_too_long_is_cut_and_hashed() -> None:
    made = {names.joined("s" * 52, "p" * 50 + end) for end in "ab"}
    assert len(made) == 2
    assert {len(name) for name in made} == {names.NAME_LIMIT}
