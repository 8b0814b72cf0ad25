"""Secrets out of AWS's own API and shared volumes, in real containers."""

import base64
import json
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.lab import Lab
from support import external_secrets
from support.aws import Aws, moto
from support.cluster import Cluster, prepared
from support.lab_name import lab_name
from support.manifests import service, task_definition
from support.operator import Operator
from support.real_pods import require_real_pods
from support.tasks import pods, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
PLATFORM = {
    "secrets": {
        "stores": [
            {"service": "SecretsManager", "name": "secrets-manager"},
            {"service": "ParameterStore", "name": "parameters"},
        ]
    },
    "environmentFiles": {"arn:aws:s3:::config/app.env": {"configMap": "app-env"}},
    "taskRoles": {"irsa": True},
    "storage": {"fileSystems": {"fs-1": {"claim": "shared-files"}}},
}


@pytest.fixture(scope="module")
def aws() -> Generator[Aws]:
    with moto() as found:
        yield found


@pytest.fixture(scope="module")
def tied(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """A cluster whose platform file ties it to AWS, with the operator at work."""
    require_real_pods()
    home = tmp_path_factory.mktemp("aws")
    (home / "platform.yaml").write_text(yaml.safe_dump(PLATFORM))
    with Lab(lab_name(), nodes="real", tie_to_parent=True) as lab:
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        external_secrets.install(cluster)
        with (
            Operator(lab.kubeconfig, home / "berth.log", platform_file=str(home / "platform.yaml")) as running,
            external_secrets.controller(cluster, aws),
        ):
            running.wait_listed()
            yield cluster


@pytest.fixture
def place(tied: Cluster, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[5:60].rstrip("-")
    tied.create_namespace(name)
    tied.apply(
        external_secrets.store("secrets-manager", "SecretsManager"),
        external_secrets.store("parameters", "ParameterStore"),
        namespace=name,
    )
    return name


def test_secrets_of_aws_arrive_in_the_environment(tied: Cluster, aws: Aws, place: str) -> None:
    token = aws.secret(f"token-{uuid.uuid4().hex[:6]}", "first", "second")
    login = aws.secret(f"login-{uuid.uuid4().hex[:6]}", json.dumps({"user": "ada", "pass.word": "$(HOME) 'x'"}))
    key = aws.parameter(f"/shop/{uuid.uuid4().hex[:6]}/key", "from a parameter")
    plain = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": "by name"}}
    variables = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app-env"}, "data": {"FROM_FILE": "yes"}}
    wanted = {
        "TOKEN": (token, "second"),
        "TOKEN_BEFORE": (f"{token}::AWSPREVIOUS:", "first"),
        "USER": (f"{login}:user::", "ada"),
        "PASSWORD": (f"{login}:pass.word::", "$(HOME) 'x'"),
        "KEY": (key, "from a parameter"),
        "KEY_BY_NAME": (key.partition("parameter")[2], "from a parameter"),
        "DATABASE": ("secret:db/password", "by name"),
    }
    container = {
        **_probe(place),
        "secrets": [{"name": name, "valueFrom": source} for name, (source, _) in wanted.items()],
        "environmentFiles": [{"value": "arn:aws:s3:::config/app.env", "type": "s3"}],
    }
    tied.apply(plain, variables, namespace=place)
    tied.apply(task_definition(containerDefinitions=[container]), service(), namespace=place)
    wait_ready(tied, place)
    environment = _environment_of(place)
    assert {name: environment[name] for name in wanted} == {name: value for name, (_, value) in wanted.items()}
    assert environment["FROM_FILE"] == "yes"


def test_a_volume_is_shared_by_containers_and_a_file_system_by_services(
    tied: Cluster, place: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    _claim(tied, place, tmp_path)
    volumes = [
        {"name": "scratch"},
        {"name": "files", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/app"}},
    ]
    scratch = {"sourceVolume": "scratch", "containerPath": "/scratch"}
    files = {"sourceVolume": "files", "containerPath": "/files", "readOnly": True}
    one = {**_probe(place), "mountPoints": [scratch, {**files, "readOnly": False}]}
    two = {**_probe(place, "two", "8081"), "mountPoints": [{**scratch, "readOnly": True}]}
    three = {**_probe(place), "mountPoints": [files]}
    tied.apply(task_definition(containerDefinitions=[one, two], volumes=volumes), service(), namespace=place)
    tied.apply(
        task_definition("other", containerDefinitions=[three], volumes=volumes[1:]),
        service("other", taskDefinition="other"),
        namespace=place,
    )
    wait_ready(tied, place)
    wait_ready(tied, place, "other")
    first, second = _root(place, "web", "8080"), _root(place, "web", "8081")
    other = _root(place, "other", "8080")
    (first / "scratch" / "note").write_text("for my neighbour")
    assert (second / "scratch" / "note").read_text() == "for my neighbour"
    (first / "files" / "note").write_text("for everybody")
    assert (other / "files" / "note").read_text() == "for everybody"
    assert (tmp_path / "app" / "note").read_text() == "for everybody"
    with pytest.raises(OSError, match="Read-only"):
        (second / "scratch" / "mine").write_text("no")


def test_a_registrys_login_becomes_a_pull_secret(tied: Cluster, aws: Aws, place: str) -> None:
    login = aws.secret(
        f"registry-{uuid.uuid4().hex[:6]}", json.dumps({"username": "ada", "password": 'a "quoted" one'})
    )
    container = {**_probe(place), "repositoryCredentials": {"credentialsParameter": login}}
    tied.apply(task_definition(containerDefinitions=[container]), service(), namespace=place)
    wait_ready(tied, place)
    (pod,) = pods(tied, place)
    (pull,) = pod["spec"]["imagePullSecrets"]
    secret = eventually(lambda: tied.get("secret", pull["name"], place), what="the pull secret is made")
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    config = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    assert config == {"auths": {"berth.local": {"username": "ada", "password": 'a "quoted" one'}}}


def test_a_role_is_a_service_account_without_a_token_of_the_cluster(tied: Cluster, place: str) -> None:
    role = "arn:aws:iam::111122223333:role/reports"
    tied.apply(task_definition(taskRoleArn=role, containerDefinitions=[_probe(place)]), service(), namespace=place)
    wait_ready(tied, place)
    (pod,) = pods(tied, place)
    account = tied.get("serviceaccount", pod["spec"]["serviceAccountName"], place)
    assert account is not None
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == role
    assert not [volume for volume in pod["spec"].get("volumes", []) if "projected" in volume]


def _probe(place: str, name: str = "web", port: str = "8080") -> Json:
    """A container whose process can be found among all of this machine."""
    mark = [{"name": "PLACE", "value": place}]
    return {"name": name, "image": "berth.local/probe:1", "command": ["serve", "-port", port], "environment": mark}


def _claim(cluster: Cluster, namespace: str, path: Path) -> None:
    """What the platform keeps for fs-1: here a directory of the node."""
    size = {"storage": "1Gi"}
    common: Json = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    name = f"{namespace}-files"
    claim_ref = {"namespace": namespace, "name": "shared-files"}
    volume = {**common, "capacity": size, "hostPath": {"path": str(path)}, "claimRef": claim_ref}
    claim = {**common, "volumeName": name, "resources": {"requests": size}}
    cluster.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume})
    cluster.apply(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "shared-files"}, "spec": claim},
        namespace=namespace,
    )


def _root(namespace: str, service_name: str, port: str) -> Path:
    """What a container sees as its root: its process runs on this machine."""
    return eventually(lambda: next(_processes(namespace, service_name, port), None), what="the container's process")


def _processes(namespace: str, service_name: str, port: str) -> Generator[Path]:
    mark = f"PLACE={namespace}"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().split("\0")
            environment = (process / "environ").read_text().split("\0")
        except OSError:
            continue
        named = any(one.startswith(f"HOSTNAME={service_name}-") for one in environment)
        if words[0] == "/probe" and port in words and named and mark in environment:
            yield process / "root"


def _environment_of(namespace: str) -> dict[str, str]:
    lines = (_root(namespace, "web", "8080").parent / "environ").read_text().split("\0")
    return dict(line.split("=", 1) for line in lines if "=" in line)
