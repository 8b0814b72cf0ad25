"""Clusters on a real API server: what Services take from them, what they count, and when they may go."""

import subprocess
from collections.abc import Generator
from typing import Any

import pytest
import yaml

from berth.lab import tool
from support.cluster import ROOT, Cluster
from support.manifests import API, service, strategy, task_definition
from support.tasks import pods, split, uids, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "providers")

Json = dict[str, Any]
POLICY = "berth-clusters"
USER = "carol"


def _cluster(name: str, **spec: Any) -> Json:
    return {"apiVersion": API, "kind": "Cluster", "metadata": {"name": name}, "spec": spec}


def _counts(cluster: Cluster, namespace: str, name: str) -> tuple[int, int, int]:
    found = cluster.get("ecscluster", name, namespace)
    status: Json = (found or {}).get("status", {})
    return tuple(status.get(f"{one}Count", -1) for one in ("activeServices", "runningTasks", "pendingTasks"))  # type: ignore[return-value]


def _seen(cluster: Cluster, namespace: str, name: str) -> bool:
    found = cluster.get("ecscluster", name, namespace)
    assert found is not None
    return bool(found["status"]["observedGeneration"] == found["metadata"]["generation"])


def _by_kustomize() -> list[Json]:
    return [one for one in yaml.safe_load_all((ROOT / "deploy/operator/admission.yaml").read_text()) if _ours(one)]


def _by_helm() -> list[Json]:
    chart = [str(tool("helm")), "template", "berth", str(ROOT / "charts/berth"), "-s", "templates/admission.yaml"]
    done = subprocess.run(chart, capture_output=True, text=True, check=True)
    return [one for one in yaml.safe_load_all(done.stdout) if _ours(one)]


def _ours(body: Json) -> bool:
    return str(body["metadata"]["name"]).endswith("-clusters")


@pytest.fixture
def guarded(cluster: Cluster, namespace: str) -> Generator[str]:
    """A namespace in which carol may do everything, on a cluster with the policy that both ways to install bring."""
    cluster.apply(*_by_kustomize())
    cluster.kubectl("create", "rolebinding", "carol", "--clusterrole=admin", f"--user={USER}", "-n", namespace)
    rules = {"apiGroups": ["berth.dev"], "resources": ["*"], "verbs": ["*"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "ecs"}, "rules": [rules]}
    cluster.apply(role, namespace=namespace)
    cluster.kubectl("create", "rolebinding", "ecs", "--role=ecs", f"--user={USER}", "-n", namespace)
    yield namespace
    cluster.kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", POLICY)


def test_a_service_takes_its_clusters_default_and_keeps_it(cluster: Cluster, namespace: str) -> None:
    mix = strategy(FARGATE=(1, 1), fargate_spot=(0, 3))
    cluster.apply(
        _cluster("shop", defaultCapacityProviderStrategy=mix, tags=[{"key": "team", "value": "shop"}]),
        task_definition(),
        service(cluster="shop", desiredCount=5),
        namespace=namespace,
    )
    wait_ready(cluster, namespace)
    assert split(cluster, namespace) == {"fargate": 2, "fargate-spot": 3}
    found = pods(cluster, namespace)
    assert {pod["metadata"]["labels"]["berth.dev/cluster"] for pod in found} == {"shop"}
    assert {pod["metadata"]["annotations"]["berth.dev/tags"] for pod in found} == {'{"team":"shop"}'}
    eventually(lambda: _counts(cluster, namespace, "shop") == (1, 5, 0), what="the Cluster counts")

    before = uids(cluster, namespace)
    cluster.apply(_cluster("shop", defaultCapacityProviderStrategy=strategy(ec2=(0, 1))), namespace=namespace)
    eventually(lambda: _seen(cluster, namespace, "shop"), what="the operator knows the new default")
    cluster.apply(service("later", cluster="shop"), namespace=namespace)
    wait_ready(cluster, namespace, "later")
    assert split(cluster, namespace, "later") == {"ec2": 1}
    cluster.kubectl("scale", "ecssvc/web", "--replicas=9", "-n", namespace)
    wait_ready(cluster, namespace)
    assert split(cluster, namespace) == {"fargate": 3, "fargate-spot": 6}
    assert before < uids(cluster, namespace)
    table = cluster.kubectl("get", "ecscluster", "-n", namespace).stdout
    eventually(lambda: _counts(cluster, namespace, "shop") == (2, 10, 0), what="the Cluster counts both")
    assert table.split()[:4] == ["NAME", "SERVICES", "RUNNING", "PENDING"]


def test_a_missing_cluster_is_named_and_heals_and_a_service_stays_in_its_own(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), service(cluster="later"), namespace=namespace)

    def said() -> bool:
        ready = cluster.condition("ecssvc", "web", namespace)
        return ready.get("reason") == "ClusterNotFound" and "create it" in ready["message"]

    eventually(said, what="the Service names the missing Cluster")
    cluster.apply(_cluster("later", launchTypes={"FARGATE": "fargate-spot"}), namespace=namespace)
    wait_ready(cluster, namespace)
    done = cluster.kubectl(
        "patch", "ecssvc", "web", "-n", namespace, "--type=merge", "-p", '{"spec":{"cluster":"default"}}', check=False
    )
    assert "cluster is immutable" in done.stderr


def test_both_ways_to_install_bring_the_same_policy() -> None:
    def specs(found: list[Json]) -> list[Json]:
        return [{key: value for key, value in one["spec"].items() if key != "policyName"} for one in found]

    kustomize, helm = specs(_by_kustomize()), specs(_by_helm())
    assert len(kustomize) == 2
    assert kustomize == helm


def test_a_cluster_in_use_is_not_deleted_but_its_namespace_goes(cluster: Cluster, guarded: str) -> None:
    cluster.apply(
        _cluster("shop"),
        _cluster("idle"),
        task_definition(),
        service(cluster="shop", desiredCount=2),
        namespace=guarded,
    )
    wait_ready(cluster, guarded)
    eventually(lambda: _counts(cluster, guarded, "shop") == (1, 2, 0), what="the Cluster counts")

    def refused(*user: str) -> str:
        done = cluster.kubectl("delete", "ecscluster", "shop", "-n", guarded, "--dry-run=server", *user, check=False)
        return done.stderr if "is used" in done.stderr else ""

    said = eventually(lambda: refused(f"--as={USER}"), what="the policy acts")
    assert "Cluster shop is used: 1 Services and 2 tasks are in it; delete the Services first" in said
    assert "is used" in refused(), "not even an administrator"
    everything = cluster.kubectl("delete", "ecscluster", "--all", "-n", guarded, f"--as={USER}", check=False)
    assert "Cluster shop is used" in everything.stderr
    assert cluster.get("ecscluster", "idle", guarded) is None
    assert cluster.get("ecscluster", "shop", guarded) is not None

    cluster.kubectl("delete", "namespace", guarded, "--timeout=180s")
    assert cluster.get("namespace", guarded) is None
    cluster.create_namespace(guarded)


def test_a_cluster_that_nobody_uses_any_more_may_go(cluster: Cluster, guarded: str) -> None:
    cluster.apply(_cluster("shop"), task_definition(), service(cluster="shop"), namespace=guarded)
    wait_ready(cluster, guarded)
    eventually(lambda: _counts(cluster, guarded, "shop") == (1, 1, 0), what="the Cluster counts")
    cluster.delete("ecssvc", "web", guarded)
    eventually(lambda: _counts(cluster, guarded, "shop") == (0, 0, 0), what="the Cluster is empty")
    cluster.kubectl("delete", "ecscluster", "shop", "-n", guarded, f"--as={USER}")
    assert cluster.get("ecscluster", "shop", guarded) is None
