"""An image that a real node pulls with the token that the operator got from ECR."""

import json
from base64 import b64encode
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from berth.lab import Lab
from support.aws import REGION, moto
from support.cluster import Cluster, prepared
from support.ecr import Ecr, ecr_of
from support.lab_name import lab_name
from support.lab_registry import served
from support.manifests import service, task_definition
from support.operator import Operator
from support.real_pods import require_real_pods
from support.tasks import wait_ready
from support.waiting import eventually

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Generator[Ecr]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with moto() as aws, ecr_of(aws) as found:
        yield found


def test_a_node_pulls_with_the_token(ecr: Ecr, tmp_path: Path) -> None:
    require_real_pods()
    file = tmp_path / "platform.yaml"
    one = {"account": ACCOUNT, "region": REGION, "endpoint": ecr.endpoint}
    file.write_text(yaml.safe_dump({"ecr": {"registries": [one]}}))
    with Lab(lab_name(), nodes="real", tie_to_parent=True) as lab, served(lab, tmp_path / "registry", HOST) as folder:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        with Operator(lab.kubeconfig, tmp_path / "berth.log", platform_file=str(file)) as running:
            running.wait_listed()
            cluster.create_namespace("shop")
            eventually(lambda: ecr.tokens, what="the operator has a token")
            (folder / "login").write_text(b64encode(ecr.tokens[-1].encode()).decode())
            container = {"name": "web", "image": f"{HOST}/shop/web:1", "command": ["serve", "-port", "8080"]}
            cluster.apply(task_definition(containerDefinitions=[container]), service(), namespace="shop")
            wait_ready(cluster, "shop", within=180)
            (pod,) = cluster.all("pods", "shop", "berth.dev/service=web")
            (status,) = pod["status"]["containerStatuses"]
            assert status["image"] == f"{HOST}/shop/web:1"
            asked = [json.loads(line) for line in (folder / "asked").read_text().splitlines()]
            assert {login for _, login in asked} == {"", f"Basic {(folder / 'login').read_text()}"}
