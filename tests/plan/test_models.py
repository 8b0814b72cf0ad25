"""Every planned object is one that the kubernetes package's own models accept: a misspelt field is an error."""

import re
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from berth.resources import EXTERNAL_SECRET, GROUP, HTTP_ROUTE, NODE_POOL
from support.golden import case_id, cases, load, shown, world_of


def model_of(body: dict[str, Any]) -> type[Any] | None:
    """V1Deployment for apps/v1 Deployment; None for kinds of custom resources, which the package does not know."""
    group, _, version = body["apiVersion"].rpartition("/")
    if group in {GROUP, EXTERNAL_SECRET.group, HTTP_ROUTE.group, NODE_POOL.group}:
        return None
    return getattr(client, f"{version[0].upper()}{version[1:]}{body['kind']}")  # type: ignore[no-any-return]


@pytest.mark.parametrize("case", cases(), ids=case_id)
def test_planned_objects_have_no_unknown_field(case: Path) -> None:
    controller, world = world_of(load(case))
    for body in shown(world, controller.plan(world))["children"] or ():
        model = model_of(body)
        if model is not None:
            model.model_validate(body)


def test_a_misspelt_field_is_an_error() -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"replica": 1}}
    model = model_of(body)
    assert model is not None
    with pytest.raises(ValueError, match=re.compile("replica", re.IGNORECASE)):
        model.model_validate(body)
