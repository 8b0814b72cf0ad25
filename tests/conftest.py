"""What all tests share: options, a cluster, an operator beside it, a namespace for each test."""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["support.options"]

from support.cluster import Cluster, cluster_of  # noqa: E402  # found by the path above
from support.lab_name import lab_name  # noqa: E402
from support.operator import Operator  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What only computes comes first, beside tests that mostly wait: at the end nothing would be beside it."""
    items.sort(key=lambda item: item.path.name != "test_verify.py")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Generator[Cluster]:
    """A real cluster with Berth's CRDs and simulated nodes."""
    with cluster_of(str(request.config.getoption("--cluster"))) as found:
        yield found


@pytest.fixture(scope="session")
def operator(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Generator[Operator]:
    """A cluster-wide operator that runs beside the cluster for all tests."""
    log = tmp_path_factory.mktemp("operator") / "berth.log"
    with Operator(cluster.kubeconfig, log, lease_name="berth-test") as running:
        yield running.wait_listed()


@pytest.fixture
def namespace(cluster: Cluster) -> Generator[str]:
    """A namespace of the test's own."""
    name = lab_name()
    cluster.create_namespace(name)
    yield name
    cluster.discard("namespace", name)


@pytest.fixture(scope="module")
def own_lab() -> Generator[Cluster]:
    """A lab for one module alone, whose parts it may stop and whose CRDs it may change."""
    with cluster_of("lab") as found:
        yield found
