"""Every test in this folder needs a real API server."""

from pathlib import Path

import pytest

from support.cluster import Cluster
from support.manifests import capacity_provider


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def providers(cluster: Cluster) -> None:
    """The three providers of ECS on the lab's pools."""
    cluster.apply(
        capacity_provider("fargate"),
        capacity_provider("fargate-spot", spot=True),
        capacity_provider("ec2", type="EC2"),
    )
