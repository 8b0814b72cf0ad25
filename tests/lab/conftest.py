"""Labs of their own for the lab's tests: others that run on this machine are left alone."""

from collections.abc import Generator
from pathlib import Path

import pytest

from berth.lab import Lab
from berth.lab.api import Deadline
from support.lab_name import lab_name
from support.real_pods import require_real_pods


@pytest.fixture(scope="module", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    """Keep the labs of these tests apart from a person's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BERTH_STATE", str(tmp_path_factory.mktemp("labs")))
        yield


@pytest.fixture
def name() -> str:
    """A name that no other lab has."""
    return lab_name()


@pytest.fixture(scope="module")
def kwok_lab() -> Generator[Lab]:
    """A lab with simulated nodes."""
    with Lab(lab_name(), nodes="kwok:20", tie_to_parent=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def real_lab() -> Generator[Lab]:
    """A lab with real containers, where the machine allows it."""
    require_real_pods()
    with Lab(lab_name(), nodes="real", tie_to_parent=True) as lab:
        lab.kubectl("create", "-f", str(Path(__file__).parent / "workload.yaml"))
        lab.kubectl("rollout", "status", "deployment/web", "--timeout=180s")
        lab.kubectl("wait", "pod/client", "--for=condition=Ready", "--timeout=180s")
        # A Service's rules follow its pods' readiness a moment later.
        deadline = Deadline(120)
        while lab.kubectl("exec", "client", "--", "/probe", "get", "http://web/", check=False).returncode:
            assert not deadline.passed(), "the Service never answered"
        yield lab
