"""The same cluster fixture on kind, through pytest-kind: `make test ARGS="--cluster kind"` runs everything there."""

import subprocess

import pytest

from support.cluster import cluster_of
from support.manifests import service, task_definition
from support.operator import Operator
from support.tasks import wait_ready


@pytest.mark.cluster
def test_a_service_becomes_ready_on_kind(tmp_path_factory: pytest.TempPathFactory) -> None:
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("kind needs a Docker engine, and none answers here")
    with cluster_of("kind") as cluster:
        log = tmp_path_factory.mktemp("operator") / "berth.log"
        with Operator(cluster.kubeconfig, log) as operator:
            operator.wait_listed()
            cluster.apply(task_definition(), service(), namespace="default")
            wait_ready(cluster, "default")
