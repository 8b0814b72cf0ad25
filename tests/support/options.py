"""The options of a test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite expected.yaml of the golden cases")
    parser.addoption(
        "--cluster",
        choices=["lab", "kind", "current"],
        default="lab",
        help="where the cluster tests run: a lab of their own, kind (needs Docker), "
        "or the current context, if BERTH_TEST_CONTEXT names it",
    )
