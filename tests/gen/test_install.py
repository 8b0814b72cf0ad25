"""The two ways to install, as text: they make the same objects, and mistakes are refused before a cluster sees them."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.gen.__main__ import ROOT
from berth.gen.manifests import settings_schema
from berth.lab import tool
from berth.settings import Settings

# helm and kubectl are built with the lab.
pytestmark = pytest.mark.cluster

CHART = ROOT / "charts" / "berth"
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
HELM_ALONE = {"helm.sh/chart", "helm.sh/resource-policy", "app.kubernetes.io/managed-by"}
Objects = dict[tuple[str, str, str], dict[str, Any]]


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def template(*arguments: str | Path, namespace: str = "berth-system") -> Objects:
    return objects(output(tool("helm"), "template", "berth", CHART, "--namespace", namespace, *arguments))


def objects(text: str) -> Objects:
    """Objects by kind, namespace and name, without what only Helm writes."""
    found: Objects = {}
    for body in yaml.safe_load_all(text):
        metadata: dict[str, Any] = body["metadata"]
        for part in ("labels", "annotations"):
            kept = {key: value for key, value in metadata.pop(part, {}).items() if key not in HELM_ALONE}
            metadata |= {part: kept} if kept else {}
        found[body["kind"], metadata.get("namespace", ""), metadata["name"]] = body
    return found


def refusal(*arguments: str) -> str:
    refused = subprocess.run(
        [tool("helm"), "template", "berth", CHART, *arguments], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0, "nothing was refused"
    return refused.stderr


def container(found: Objects, name: str = "berth", namespace: str = "berth-system") -> dict[str, Any]:
    return dict(found["Deployment", namespace, name]["spec"]["template"]["spec"]["containers"][0])


def environment(found: Objects) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(found)["env"]}


def test_kustomize_and_the_charts_defaults_make_the_same_objects() -> None:
    deployed = objects(output(tool("kubectl"), "kustomize", ROOT / "deploy"))
    assert deployed.pop(("Namespace", "", "berth-system"))  # with Helm: --create-namespace
    charted = template()
    assert charted.keys() == deployed.keys()
    for key, body in deployed.items():
        assert charted[key] == body, key


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.name)
def test_lint(values: Path) -> None:
    output(tool("helm"), "lint", "--strict", CHART, "--values", values)
    assert template("--values", values)


def test_every_value_is_told_in_the_readme() -> None:
    values: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    readme = (CHART / "README.md").read_text()
    for name, value in values.items():
        keys = [f"{name}.{key}" for key in value] if name in SPELT_OUT else [name]
        assert all(f"`{key}`" in readme for key in keys), f"README.md does not tell of {name}"


SPELT_OUT = {"admission", "image", "crds", "rbac", "serviceAccount", "podDisruptionBudget", "networkPolicy"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--set", "replicas=3"), "additional properties 'replicas' not allowed"),
        (("--set", "image.tga=1"), "at '/image': additional properties 'tga' not allowed"),
        (("--set", "settings.logLevle=debug"), "at '/settings': additional properties 'logLevle' not allowed"),
        (("--set", "settings.workers=0"), "at '/settings/workers': minimum: got 0, want 1"),
        (("--set", "settings.workers=many"), "at '/settings/workers': got string, want integer"),
        (("--set", "settings.healthPort=9"), "at '/settings': additional properties 'healthPort' not allowed"),
        (("--set", "rbac.scope=everything"), "at '/rbac/scope': value must be one of 'cluster', 'namespaced'"),
        (("--set", "watchNamespaces={Team}"), "at '/watchNamespaces/0': 'Team' does not match pattern"),
        (("--set", "watchNamespaces={a}"), "watchNamespaces needs rbac.scope=namespaced"),
        (("--set", "serviceAccount.create=false"), "serviceAccount.name is required"),
        (("--set", "image.digest=sha256:1"), "at '/image/digest': 'sha256:1' does not match pattern"),
    ],
)
def test_a_mistake_in_the_values_is_refused(arguments: tuple[str, ...], problem: str) -> None:
    assert problem in refusal(*arguments)


def test_settings_become_variables_that_the_operator_understands() -> None:
    values = {
        "settings": {
            "logLevel": "debug",
            "leaderElection": False,
            "sweepSeconds": 5_000_000,
            "backoffFirstSeconds": 0.1,
        }
    }
    found = environment(template("--set-json", f"settings={json.dumps(values['settings'])}"))
    variables = {key: value for key, value in found.items() if isinstance(value, str)}
    settings = Settings.from_environment(variables)
    assert settings == Settings(
        log_level="debug", log_format="json", leader_election=False, sweep_seconds=5_000_000, backoff_first_seconds=0.1
    )


def test_the_settings_of_the_schema_are_all_that_a_pod_may_be_told() -> None:
    assert len(settings_schema()["properties"]) == len(Settings.model_fields) - 8


def test_a_lease_of_another_name_is_the_one_that_the_role_allows() -> None:
    assert Settings().lease_name in str(template()["Role", "berth-system", "berth-leader"]["rules"])
    named = template("--set", "settings.leaseName=other")
    assert named["Role", "berth-system", "berth-leader"]["rules"][1]["resourceNames"] == ["other"]
    assert environment(named)["BERTH_LEASE_NAME"] == "other"


def test_a_namespaced_operator_has_roles_in_its_namespaces_alone() -> None:
    found = template("--values", CHART / "ci" / "namespaced-values.yaml")
    assert environment(found)["BERTH_NAMESPACES"] == "team-a,team-b"
    assert {key for key in found if key[0] in {"Role", "ClusterRole"}} == {
        ("ClusterRole", "", "berth"),
        ("Role", "berth-system", "berth-leader"),
        ("Role", "team-a", "berth"),
        ("Role", "team-b", "berth"),
    }
    verbs = {verb for rule in found["ClusterRole", "", "berth"]["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}
    assert not any(key[0] == "CustomResourceDefinition" for key in found)
    own = template("--set", "rbac.scope=namespaced", namespace="shop")
    assert environment_of(own, "shop")["BERTH_NAMESPACES"] == "shop"


def environment_of(found: Objects, namespace: str) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in container(found, namespace=namespace)["env"]}


def test_releases_of_one_name_in_two_namespaces_share_no_cluster_scoped_name() -> None:
    first, second = (template("--set", "crds.install=false", namespace=namespace) for namespace in ("one", "two"))
    assert not {key for key in first if not key[1]} & {key for key in second if not key[1]}


def test_one_replica_has_no_disruption_budget() -> None:
    """It would keep its node from ever being drained."""
    assert ("PodDisruptionBudget", "berth-system", "berth") not in template("--set", "replicaCount=1")


@pytest.mark.parametrize(("keep", "policy"), [("true", "keep"), ("false", None)])
def test_crds_are_kept_when_the_values_say_so(keep: str, policy: str | None) -> None:
    text = output(tool("helm"), "template", "berth", CHART, "--set", f"crds.keep={keep}")
    crds = [body for body in yaml.safe_load_all(text) if body["kind"] == "CustomResourceDefinition"]
    assert crds
    assert {body["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for body in crds} == {policy}


def test_one_version_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    deployed = objects(output(tool("kubectl"), "kustomize", ROOT / "deploy"))
    assert chart["version"] == chart["appVersion"] == version
    assert container(deployed)["image"].endswith(f":{version}")
    assert deployed["Deployment", "berth-system", "berth"]["metadata"]["labels"]["app.kubernetes.io/version"] == version
    assert f"\nARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()


def test_the_image_is_built_with_the_uv_that_wrote_the_lock() -> None:
    version = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert version
    assert f"FROM ghcr.io/astral-sh/uv:{version[1]}-python" in (ROOT / "Dockerfile").read_text()


def test_the_pods_run_as_the_images_user() -> None:
    pod = template()["Deployment", "berth-system", "berth"]["spec"]["template"]["spec"]
    user = pod["securityContext"]["runAsUser"]
    assert f"\nUSER {user}:{user}\n" in (ROOT / "Dockerfile").read_text()
    assert container(template())["command"] == ["berth", "run"]


def test_node_pools_are_a_cluster_wide_operators_where_the_platform_asks_for_them() -> None:
    asked = ["--set", "platform.managedScaling.karpenter=true", "--set", "crds.install=false"]
    namespaced = ["--set", "rbac.scope=namespaced", "--set", "watchNamespaces={shop}"]
    for arguments, given in ((asked, True), ([], False), ([*asked, *namespaced], False)):
        roles = [body for (kind, _, _), body in template(*arguments).items() if kind in {"ClusterRole", "Role"}]
        groups = {group for role in roles for rule in role["rules"] for group in rule["apiGroups"]}
        assert ("karpenter.sh" in groups) == given, arguments


def test_placeholders_have_the_priority_class_of_their_release() -> None:
    assert "BERTH_PLACEHOLDER_PRIORITY_CLASS" not in environment(template())
    other = template(namespace="other")
    name = environment_of(other, "other")["BERTH_PLACEHOLDER_PRIORITY_CLASS"]
    assert other["PriorityClass", "", name]["value"] == -10
    namespaced = template("--set", "rbac.scope=namespaced", "--set", "watchNamespaces={shop}")
    assert not [key for key in namespaced if key[0] == "PriorityClass"]
