"""What two real API servers can do, one as it is and one with features off; the question stores nothing."""

import uuid

import pytest

from berth.controllers import TABLE
from berth.engine.api import Api, Limits
from berth.engine.clock import SystemClock
from berth.engine.credentials import Credentials, from_kubeconfig
from berth.engine.features import features_of
from berth.engine.metrics import Metrics
from berth.engine.transport import HttpTransport
from berth.lab import Lab, LabOptions

GATES = (
    "InPlacePodLevelResourcesVerticalScaling",  # needs the next
    "PodLevelResources",
    "RestartAllContainersOnContainerExits",
    "ContainerRestartRules",
)
OFF = "--feature-gates=" + ",".join(f"{gate}=false" for gate in GATES)


@pytest.mark.parametrize(
    ("flags", "found"),
    [((), {"PodLevelResources", "ContainerRestartRules"}), ((OFF,), set[str]())],
    ids=["as it is", "switched off"],
)
async def test_features_are_found_where_they_are(flags: tuple[str, ...], found: set[str]) -> None:
    options = LabOptions(api_flags=flags)
    with Lab(f"features-{uuid.uuid4().hex[:6]}", nodes="none", tie_to_parent=True, options=options) as lab:
        transport = HttpTransport(Credentials(lambda: from_kubeconfig(str(lab.kubeconfig))))
        api = Api(transport, SystemClock(), Limits(), Metrics())
        try:
            assert await features_of(api, TABLE.features, ("berth-system", "default")) == found
        finally:
            await transport.close()
        assert lab.kubectl("get", "deployments", "-A", "-o", "name").stdout == ""
