"""Pull secrets with ECR's tokens, out of AWS's own API, by the rights that the chart gives."""

import json
from base64 import b64decode, b64encode
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.lab import Lab
from berth.names import PULL_SECRET, TOKENS
from support.aws import REGION, Aws, moto
from support.cluster import ROOT, Cluster
from support.ecr import Ecr, ecr_of
from support.installed import SYSTEM, WAYS, Choices, forbidden, installed
from support.lab_name import lab_name
from support.manifests import service, task_definition
from support.operator import Operator
from support.waiting import eventually

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
IMAGE = f"{HOST}/shop/web:1"
LIFETIME = 8.0
"""Of tokens, in seconds: they are renewed after half of it."""
REVISION = "taskdefinitionrevisions.berth.dev"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture(scope="module")
def aws() -> Generator[Aws]:
    with moto() as found:
        yield found


@pytest.fixture
def ecr(aws: Aws) -> Generator[Ecr]:
    with ecr_of(aws) as found:
        found.lifetime = LIFETIME
        yield found


def choices(ecr: Ecr) -> Choices:
    return Choices(options="ecr.yaml", values={"platform": platform(ecr)}, namespaces=("shop", "blog"))


def platform(ecr: Ecr) -> Json:
    return {"ecr": {"registries": [{"account": ACCOUNT, "region": REGION, "endpoint": ecr.endpoint}]}}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How Berth is installed."""
    return str(request.param)


@pytest.fixture
def lab(request: pytest.FixtureRequest, way: str, ecr: Ecr) -> Generator[Lab]:
    """A cluster with Berth installed, and the right to keep the pull secret."""
    with installed(request, way, choices(ecr)) as found:
        yield found


def test_tokens_arrive_are_renewed_and_go(lab: Lab, way: str, ecr: Ecr, tmp_path: Path) -> None:
    cluster = Cluster(lab.kubeconfig, lab)
    file = tmp_path / "platform.yaml"
    file.write_text(yaml.safe_dump(platform(ecr)))
    namespaces = choices(ecr).watched(way)
    account = lab.kubeconfig_for_service_account(SYSTEM, "berth")
    operator = Operator(account, tmp_path / "berth.log", platform_file=str(file), namespaces=namespaces)
    with operator:
        operator.wait_listed()
        deploy(cluster, "shop")
        deploy(cluster, "blog")
        first = token_in(cluster, "shop")
        for _ in range(3):
            before = token_in(cluster, "blog")
            eventually(lambda before=before: token_in(cluster, "blog") != before, what="the token is renewed")  # type: ignore[misc]
            assert _left(cluster, "blog") > 0
        assert token_in(cluster, "shop") != first
        cluster.delete("taskdefinitions.berth.dev", "web", "shop")
        cluster.delete("ecssvc", "web", "shop")
        cluster.delete(REVISION, "web-1", "shop")
        eventually(lambda: cluster.get("secret", PULL_SECRET, "shop") is None, what="the pull secret goes")
        assert cluster.get("secret", PULL_SECRET, "blog") is not None
    assert all(f"/{REGION}/ecr/aws4_request" in one for one in ecr.signed)
    assert forbidden(lab) == []
    told = operator.log.read_text() + lab.audit_log.read_text()
    assert not any(secret in told for token in ecr.tokens for secret in (token, b64encode(token.encode()).decode()))


def test_while_ecr_refuses_the_old_token_stays(own_lab: Cluster, ecr: Ecr, tmp_path: Path) -> None:
    own_lab.create_namespace("shop")
    file = tmp_path / "platform.yaml"
    file.write_text(yaml.safe_dump(platform(ecr)))
    operator = Operator(own_lab.kubeconfig, tmp_path / "berth.log", platform_file=str(file), namespaces="shop")
    # An operator must be away and back before half of it is over.
    ecr.lifetime = 40
    with operator:
        operator.wait_listed()
        deploy(own_lab, "shop")
    ecr.refusal = {"__type": "AccessDeniedException", "Message": "not you"}
    good = token_in(own_lab, "shop")
    with operator:
        operator.wait_listed(2)
        eventually(lambda: "cannot be renewed: ECR says Acc" in _ready(own_lab, "shop")["message"], what="it says so")
        assert _ready(own_lab, "shop")["status"] == "True"
        assert token_in(own_lab, "shop") == good
        eventually(lambda: _ready(own_lab, "shop")["reason"] == "RegistryTokenMissing", 120, "the token expires")
        ecr.refusal = {"__type": "InvalidSignatureException", "message": "x-amz-security-token:THE-CREDENTIALS"}
        eventually(lambda: "ECR says InvalidSig" in _ready(own_lab, "shop")["message"], 120, "the other reason")
        assert "THE-CREDENTIALS" not in _ready(own_lab, "shop")["message"] + operator.log.read_text()
        ecr.refusal = {}
        eventually(lambda: _ready(own_lab, "shop")["status"] == "True", 120, what="the revision is ready again")
        assert token_in(own_lab, "shop") == ecr.tokens[-1]


def test_an_operator_without_credentials_says_so(
    own_lab: Cluster, ecr: Ecr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_lab.create_namespace("nobody")
    file = tmp_path / "platform.yaml"
    registry = platform(ecr)["ecr"]["registries"][0]
    file.write_text(yaml.safe_dump({"ecr": {"registries": [{**registry, "profile": "builds"}]}}))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    with Operator(own_lab.kubeconfig, tmp_path / "berth.log", platform_file=str(file), namespaces="nobody") as operator:
        operator.wait_listed()
        definition = task_definition(containerDefinitions=[{"name": "web", "image": IMAGE}])
        own_lab.apply(definition, namespace="nobody")
        eventually(
            lambda: "no credentials of AWS in the profile builds" in _ready(own_lab, "nobody").get("message", ""),
            what="it says so",
        )
        with (tmp_path / "credentials").open("a") as file_of_profiles:
            file_of_profiles.write("[builds]\naws_access_key_id = builder\naws_secret_access_key = b\n")
        eventually(lambda: _ready(own_lab, "nobody")["status"] == "True", 120, what="the profile is found")
    assert "Credential=builder/" in ecr.signed[-1]


def test_no_other_secret_is_the_operators_to_read_or_write(lab: Lab) -> None:
    account = str(lab.kubeconfig_for_service_account(SYSTEM, "berth"))

    def may(*words: str, stdin: str | None = None) -> bool:
        done = lab.kubectl("--kubeconfig", account, "-n", "shop", *words, stdin=stdin, check=False)
        assert done.returncode == 0 or "orbidden" in done.stderr, done.stderr
        return done.returncode == 0

    def secret(name: str) -> str:
        return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})

    lab.kubectl("create", "secret", "generic", "db", "-n", "shop", "--from-literal=password=x")
    assert not may("get", "secret", "db")
    assert not may("get", "secrets")
    assert not may("create", "-f", "-", stdin=secret("mine"))
    assert not may("apply", "--server-side", "-f", "-", stdin=secret("mine"))
    assert not may("apply", "--server-side", "-f", "-", stdin=secret("db"))
    assert not may("delete", "secret", "db")
    assert may("apply", "--server-side", "-f", "-", stdin=secret(PULL_SECRET))
    assert may("get", "secrets", "--field-selector", f"metadata.name={PULL_SECRET}")


def test_without_the_option_no_secret_is(fresh_lab: Lab) -> None:
    account = str(fresh_lab.kubeconfig_for_service_account(SYSTEM, "berth"))
    for verb in ("get", "create", "patch", "delete"):
        asked = ("auth", "can-i", verb, f"secrets/{PULL_SECRET}", "-n", "default")
        assert fresh_lab.kubectl("--kubeconfig", account, *asked, check=False).stdout.strip() == "no"


@pytest.fixture
def fresh_lab(request: pytest.FixtureRequest) -> Generator[Lab]:
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("installs and removes CRDs, so it takes a lab of its own: --cluster lab")
    with Lab(lab_name(), nodes="none", tie_to_parent=True) as found:
        found.helm("install", "berth", str(ROOT / "charts" / "berth"), "--namespace", SYSTEM, "--create-namespace")
        yield found


def deploy(cluster: Cluster, namespace: str) -> None:
    """A Service that pulls from ECR and another that does not, until both are as the platform wants them."""
    definition = task_definition(containerDefinitions=[{"name": "web", "image": IMAGE}])
    cluster.apply(definition, service(), namespace=namespace)
    cluster.apply(task_definition("plain"), service("plain", taskDefinition="plain"), namespace=namespace)
    eventually(lambda: cluster.get("secret", PULL_SECRET, namespace), what="there is a pull secret")
    eventually(lambda: _pulls(cluster, namespace) == [{"name": PULL_SECRET}], what="tasks pull with it")
    eventually(lambda: _ready(cluster, namespace).get("status") == "True", what="the revision is ready")
    eventually(lambda: _pulls(cluster, namespace, "plain") is None, what="others pull without it")


def token_in(cluster: Cluster, namespace: str) -> str:
    """What a kubelet pulls with."""
    secret = cluster.get("secret", PULL_SECRET, namespace)
    assert secret is not None
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    ((host, login),) = json.loads(b64decode(secret["data"][".dockerconfigjson"]))["auths"].items()
    assert host == HOST
    return b64decode(login["auth"]).decode()


def _left(cluster: Cluster, namespace: str) -> float:
    """For how long the token is good."""
    secret = cluster.get("secret", PULL_SECRET, namespace)
    assert secret is not None
    expires = datetime.fromisoformat(json.loads(secret["metadata"]["annotations"][TOKENS])[HOST][1])
    return (expires - datetime.now(UTC)).total_seconds()


def _pulls(cluster: Cluster, namespace: str, name: str = "web") -> Any:
    found = cluster.all("deployments", namespace, f"berth.dev/service={name}")
    return found[0]["spec"]["template"]["spec"].get("imagePullSecrets") if found else "none yet"


def _ready(cluster: Cluster, namespace: str) -> Json:
    return cluster.condition(REVISION, "web-1", namespace)
