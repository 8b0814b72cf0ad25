"""The list of EC2's instance types is as long as botocore's."""

import importlib
from typing import Any

import pytest

from berth.plan.instance_types import INSTANCE_TYPES


def test_the_list_is_one() -> None:
    assert len(INSTANCE_TYPES) == len(set(INSTANCE_TYPES)) > 1000
    assert {"t3.micro", "m5.large", "g5.xlarge", "u-6tb1.metal"} <= set(INSTANCE_TYPES)


def test_every_instance_type_that_botocore_knows_is_in_the_list() -> None:
    try:
        loaders: Any = importlib.import_module("botocore.loaders")
    except ImportError:
        pytest.skip("needs botocore, of the dependency group aws")
    shapes = loaders.Loader().load_service_model("ec2", "service-2")["shapes"]
    assert set(shapes["InstanceType"]["enum"]) <= set(INSTANCE_TYPES), "add the new ones"
