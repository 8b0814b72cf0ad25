"""The ways in, on a cluster of their own: what they install is all that the operator needs."""

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from berth.lab import Lab
from support.cluster import ROOT, Cluster
from support.lab_name import lab_name
from support.operator import Operator
from support.waiting import eventually

pytestmark = pytest.mark.cluster

CHART = str(ROOT / "charts" / "berth")
SYSTEM = "berth-system"
ACCOUNT = f"system:serviceaccount:{SYSTEM}:berth"
NAMESPACED = ("--set", "rbac.scope=namespaced", "--set", "watchNamespaces={shop}")


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Generator[Lab]:
    """A cluster on which nothing of ours is installed, with a namespace for the application."""
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("installs and removes CRDs, so it takes a lab of its own: --cluster lab")
    with Lab(lab_name(), nodes="kwok:10", tie_to_parent=True) as lab:
        lab.kubectl("create", "namespace", "shop")
        yield lab


def by_kustomize(lab: Lab) -> None:
    # Twice, as people do: a custom resource's kind may not be served yet the first time, and nothing may break.
    for _ in range(2):
        lab.kubectl("apply", "--server-side", "-k", str(ROOT / "deploy"))


def by_helm(lab: Lab, *values: str) -> None:
    lab.helm("install", "berth", CHART, "--namespace", SYSTEM, "--create-namespace", *values)


def by_helm_for_a_namespace(lab: Lab) -> None:
    by_helm(lab, *NAMESPACED)


def apply_example(lab: Lab) -> None:
    Cluster(lab.kubeconfig, lab).wait_kinds()
    lab.kubectl("apply", "--server-side", "-f", str(ROOT / "examples/capacity-providers"))
    lab.kubectl("apply", "--server-side", "-n", "shop", "-f", str(ROOT / "examples/web"))


def requests_of_the_operator(lab: Lab) -> list[dict[str, object]]:
    lines = (json.loads(line) for line in lab.audit_log.read_text().splitlines())
    return [line for line in lines if line["user"].get("username") == ACCOUNT]


@pytest.mark.parametrize(
    ("install", "namespaces"),
    [(by_kustomize, ""), (by_helm, ""), (by_helm_for_a_namespace, "shop")],
    ids=["kustomize", "helm", "helm-namespaced"],
)
def test_the_rights_suffice(fresh: Lab, install: Callable[[Lab], None], namespaces: str, tmp_path: Path) -> None:
    """The operator runs beside the cluster, as the ServiceAccount that was installed."""
    install(fresh)
    kubeconfig = fresh.kubeconfig_for_service_account(SYSTEM, "berth")
    log = tmp_path / "berth.log"
    with Operator(kubeconfig, log, leader_election="true", namespaces=namespaces) as operator:
        operator.wait_listed()
        apply_example(fresh)
        cluster = Cluster(fresh.kubeconfig, fresh)
        eventually(
            lambda: cluster.condition("ecssvc", "web", "shop").get("status") == "True",
            within=120,
            what=f"the Service is Ready; see {log}",
        )
        assert len(cluster.all("deployments", "shop")) == 2
        hook = {"name": "migrate", "lifecycleStages": ["PRE_SCALE_UP"]}
        spec = {"forceNewDeployment": "2", "deploymentConfiguration": {"lifecycleHooks": [hook]}}
        fresh.kubectl("patch", "ecssvc", "web", "-n", "shop", "--type=merge", "-p", json.dumps({"spec": spec}))
        eventually(lambda: cluster.all("jobs", "shop"), within=120, what=f"a hook's Job is made; see {log}")
    forbidden = [line for line in requests_of_the_operator(fresh) if line["responseStatus"]["code"] == 403]  # type: ignore[index]
    assert forbidden == []


def test_the_operators_pods_are_admitted_where_only_restricted_pods_are(fresh: Lab) -> None:
    by_kustomize(fresh)
    fresh.kubectl("rollout", "status", "deployment/berth", "-n", SYSTEM, "--timeout=180s")


def test_every_case_of_values_is_taken_by_the_api_server(fresh: Lab) -> None:
    by_kustomize(fresh)
    for namespace in ("team-a", "team-b"):
        fresh.kubectl("create", "namespace", namespace)
    for values in sorted((ROOT / "charts/berth/ci").glob("*-values.yaml")):
        made = fresh.helm("template", "case", CHART, "--namespace", SYSTEM, "--values", str(values)).stdout
        strict = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-")
        fresh.kubectl(*strict, stdin=made)


def test_uninstalling_the_chart_keeps_what_users_wrote(fresh: Lab) -> None:
    by_helm(fresh, "--wait")
    apply_example(fresh)
    fresh.helm("upgrade", "berth", CHART, "--namespace", SYSTEM, "--set", "settings.logLevel=debug", "--wait")
    fresh.helm("uninstall", "berth", "--namespace", SYSTEM, "--wait")
    assert fresh.kubectl("get", "ecssvc", "web", "-n", "shop", "-o", "name").stdout.strip() == "service.berth.dev/web"
    assert fresh.kubectl("get", "clusterrole", "berth", "--ignore-not-found").stdout == ""
    # And the chart takes up again what it left.
    by_helm(fresh, "--wait")
