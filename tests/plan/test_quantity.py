"""Quantities are written as the API server prints them."""

import pytest

from berth.plan import quantity


@pytest.mark.parametrize(
    ("units", "text"), [(0, "0"), (2, "2m"), (256, "250m"), (1000, "977m"), (1024, "1"), (1536, "1500m")]
)
def test_cpu(units: int, text: str) -> None:
    assert quantity.cpu(units) == text


@pytest.mark.parametrize(
    ("mebibytes", "text"), [(6, "6Mi"), (512, "512Mi"), (1024, "1Gi"), (1536, "1536Mi"), (1048576, "1Ti")]
)
def test_memory(mebibytes: int, text: str) -> None:
    assert quantity.memory(mebibytes) == text
