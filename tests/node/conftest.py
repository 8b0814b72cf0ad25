"""Every test in this folder needs real pods: a lab with a real node, and the operator beside it."""

from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from berth.lab import Lab
from support import gateway_api
from support.cluster import Cluster, prepared
from support.gateway import Gateway
from support.lab_name import lab_name
from support.operator import Operator
from support.real_pods import require_real_pods

# The lab's one node is as new as its API server, so the platform may say that all nodes have this.
FEATURES = "PodLevelResources,ContainerRestartRules,RestartAllContainers"
# Long enough to tell a container that ends at once from one that runs.
HEALTHY_SECONDS = "3"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.node)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """A cluster whose pods are real containers, with the operator at work."""
    require_real_pods()
    with Lab(lab_name(), nodes="real", tie_to_parent=True) as lab:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        log = tmp_path_factory.mktemp("operator") / "berth.log"
        with Operator(lab.kubeconfig, log, features=FEATURES, healthy_seconds=HEALTHY_SECONDS) as running:
            running.wait_listed()
            yield cluster


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """A real node, Gateway API, and the operator with a platform file that allows routes."""
    require_real_pods()
    home = tmp_path_factory.mktemp("front")
    (home / "platform.yaml").write_text(yaml.safe_dump({"network": {"gatewayApi": True}}))
    with Lab(lab_name(), nodes="real", tie_to_parent=True) as lab:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        gateway_api.install(cluster)
        with Operator(lab.kubeconfig, home / "berth.log", platform_file=str(home / "platform.yaml")) as running:
            running.wait_listed()
            yield cluster


@pytest.fixture
def gated(fronted: Cluster, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A namespace with a Gateway of its own."""
    name = request.node.name.replace("_", "-")[5:60].rstrip("-")
    fronted.create_namespace(name)
    assert fronted.lab is not None
    with Gateway(fronted.lab, name, tmp_path):
        yield name
    fronted.discard("namespace", name)


@pytest.fixture
def place(real: Cluster, request: pytest.FixtureRequest) -> Generator[str]:
    """A namespace of the test's own; the one node has room for few tasks, so it goes when the test is done."""
    name = request.node.name.replace("_", "-")[5:60].rstrip("-")
    real.create_namespace(name)
    yield name
    real.discard("namespace", name)
