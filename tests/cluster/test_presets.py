"""Tasks go to their provider's nodes and nowhere else, on nodes that look as each platform makes them."""

import json
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from support import platforms
from support.cluster import Cluster
from support.manifests import API, POOL, service, strategy, task_definition
from support.tasks import pods, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "nodes")

Json = dict[str, Any]
TASKS = 6

# preset, spot, and the capacity that its tasks may use on the platform's own nodes
PLACES = [
    ("karpenter", False, {"on-demand", "reserved"}),
    ("karpenter", True, {"spot"}),
    ("eks-managed", False, {"on-demand"}),
    ("eks-managed", True, {"spot"}),
    ("eks-auto", False, {"on-demand"}),
    ("eks-auto", True, {"spot"}),
    ("gke", False, {"on-demand"}),
    ("gke", True, {"spot", "tainted-spot"}),
    ("gke-autopilot", False, {"on-demand"}),
    ("gke-autopilot", True, {"spot"}),
    ("aks", False, {"on-demand"}),
    ("aks", True, {"spot"}),
    ("aks-virtual", False, {"virtual"}),
]

# Where a pod that knows nothing of providers can land: on spot nodes, too, unless the platform taints them. That is
# what the platforms do; docs/capacity.md tells how to taint such a pool.
OTHERS = {
    "karpenter": {"on-demand", "reserved", "spot"},
    "eks-managed": {"on-demand", "spot", "self-managed"},
    "eks-auto": {"on-demand", "spot", "beside-auto"},
    "gke": {"on-demand", "spot", "preemptible"},
    "gke-autopilot": {"on-demand"},
    "aks": {"on-demand"},
    "aks-virtual": {"on-demand"},
    "eks-fargate": {"on-demand"},
}


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> Generator[None]:
    platforms.make(cluster)
    yield
    platforms.remove(cluster)


def _provider(name: str, spot: bool, **nodes: Any) -> Json:  # noqa: FBT001  # a field
    spec = {"type": "FARGATE", "spot": spot, "nodes": nodes}
    return {"apiVersion": API, "kind": "CapacityProvider", "metadata": {"name": name}, "spec": spec}


def _places(cluster: Cluster, found: list[Json]) -> Counter[str]:
    """Pods by the capacity of their node; a pod of the lab's own nodes stands out by their pool."""
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in cluster.all("nodes")}
    sat = [labels[pod["spec"].get("nodeName")] for pod in found]
    return Counter(one.get(platforms.CAPACITY, one.get("berth.dev/lab-pool", "?")) for one in sat)


@pytest.mark.parametrize("row", PLACES, ids=lambda row: f"{row[0]}-{'spot' if row[1] else 'on-demand'}")
def test_tasks_run_on_the_nodes_that_the_preset_means_and_nowhere_else(
    cluster: Cluster, namespace: str, row: tuple[str, bool, set[str]]
) -> None:
    preset, spot, places = row
    name = f"test-{preset}-{'spot' if spot else 'on-demand'}"
    cluster.apply(_provider(name, spot, preset=preset, **platforms.only_there(preset)))
    try:
        cluster.apply(
            task_definition(),
            service(desiredCount=TASKS, capacityProviderStrategy=strategy(**{name: (0, 1)})),
            namespace=namespace,
        )
        wait_ready(cluster, namespace)
        counted = _places(cluster, pods(cluster, namespace))
        assert set(counted) == places
        assert sum(counted.values()) == TASKS
        found = eventually(lambda: _with_nodes(cluster, name), what="the provider counts its nodes")
        assert found["status"]["nodes"] == len(places)
    finally:
        cluster.delete("cprov", name)


@pytest.mark.parametrize("platform", OTHERS)
def test_other_pods_land_on_spot_nodes_only_where_the_platform_lets_them(
    cluster: Cluster, namespace: str, platform: str
) -> None:
    words = platforms.only_there(platform)
    # Spread by node as far as taints let it: every node that would take such a pod gets one.
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "nodeTaintsPolicy": "Honor",
        "labelSelector": {"matchLabels": {"app": "other"}},
    }
    template = {
        "metadata": {"labels": {"app": "other"}},
        "spec": {
            "containers": [{"name": "main", "image": "example.invalid/other"}],
            "nodeSelector": words["selector"],
            "tolerations": words["tolerations"],
            "topologySpreadConstraints": [spread],
        },
    }
    spec = {"replicas": TASKS, "selector": {"matchLabels": {"app": "other"}}, "template": template}
    cluster.apply(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "other"}, "spec": spec},
        namespace=namespace,
    )
    cluster.kubectl("rollout", "status", "deployment/other", "-n", namespace, "--timeout=120s")
    assert set(_places(cluster, cluster.all("pods", namespace, "app=other"))) == OTHERS[platform]


def test_a_pool_with_berths_taint_takes_its_provider_alone(cluster: Cluster, namespace: str) -> None:
    """The remedy for platforms that taint nothing: the same taint on any pool, which every preset tolerates."""
    name = "test-tainted"
    words = platforms.only_there("eks-managed")
    cluster.apply(_provider(name, spot=True, preset="eks-managed", **words))
    cluster.kubectl("taint", "node", "eks-managed-spot", f"{POOL}={name}:NoSchedule")
    try:
        spot = strategy(**{name: (0, 1)})
        cluster.apply(task_definition(), service(desiredCount=2, capacityProviderStrategy=spot), namespace=namespace)
        wait_ready(cluster, namespace)
        assert set(_places(cluster, pods(cluster, namespace))) == {"spot"}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "other"},
            "spec": {
                "containers": [{"name": "main", "image": "example.invalid/other"}],
                "nodeSelector": {**words["selector"], platforms.CAPACITY: "spot"},
                "tolerations": words["tolerations"],
            },
        }
        cluster.apply(pod, namespace=namespace)
        eventually(lambda: _unschedulable(cluster, namespace), what="the other pod is kept away")
    finally:
        cluster.kubectl("taint", "node", "eks-managed-spot", f"{POOL}-")
        cluster.delete("cprov", name)


def test_eks_fargate_is_chosen_by_labels_of_the_pod(cluster: Cluster, namespace: str) -> None:
    """EKS's admission is played by a policy that does the same: it sends pods with a profile's labels to Fargate."""
    name = "test-eks-fargate"
    profile = _profile(namespace, {"berth.dev/capacity-provider": name, "compute": "fargate"})
    cluster.apply(*profile, _provider(name, spot=False, preset="eks-fargate", profileLabels={"compute": "fargate"}))
    try:
        log = {"name": "log", "image": "shop/log:1", "memory": 128}
        web = {"name": "web", "image": "shop/web:1"}
        cluster.apply(task_definition(containerDefinitions=[web, log]), namespace=namespace)
        eventually(lambda: _policy_works(cluster, namespace), what="the profile is at work")
        cluster.apply(
            service(desiredCount=2, capacityProviderStrategy=strategy(**{name: (0, 1)})),
            service("elsewhere"),
            namespace=namespace,
        )
        wait_ready(cluster, namespace)
        wait_ready(cluster, namespace, "elsewhere")
        found = pods(cluster, namespace)
        # One of the lab's own nodes looks like Fargate's, too.
        assert set(_places(cluster, found)) <= {"fargate", "eks-fargate"}
        assert len(found) == 2
        assert _places(cluster, pods(cluster, namespace, "elsewhere")) == {"general": 1}
        # Requests equal limits in every container: the API server itself says so.
        assert {pod["status"]["qosClass"] for pod in found} == {"Guaranteed"}
        deployment = cluster.get("deployment", f"web-{name}", namespace)
        assert deployment is not None
        assert not {"nodeSelector", "affinity", "tolerations"} & deployment["spec"]["template"]["spec"].keys()
    finally:
        cluster.kubectl("delete", "mutatingadmissionpolicy,mutatingadmissionpolicybinding", "test-fargate-profile")
        cluster.delete("cprov", name)


def test_what_a_platform_cannot_give_is_refused_with_the_reason(cluster: Cluster) -> None:
    def refused(spot: bool = False, type: str = "FARGATE", **nodes: Any) -> str:  # noqa: A002, FBT001, FBT002  # fields
        manifest = _provider("test-refused", spot, **nodes)
        manifest["spec"]["type"] = type
        return cluster.refused(manifest)

    assert "EKS has no Fargate Spot" in refused(spot=True, preset="eks-fargate")
    assert "virtual nodes have none either" in refused(spot=True, preset="aks-virtual")
    assert "write type: FARGATE" in refused(type="EC2", preset="eks-fargate")
    assert "put those into profileLabels" in refused(preset="eks-fargate", selector={"a": "b"})
    assert "belong to preset eks-fargate" in refused(preset="gke", profileLabels={"a": "b"})
    assert "Unsupported value" in refused(preset="openshift")


def _with_nodes(cluster: Cluster, name: str) -> Json | None:
    found = cluster.get("cprov", name)
    return found if found is not None and found["status"].get("nodes") else None


def _unschedulable(cluster: Cluster, namespace: str) -> bool:
    pod = cluster.get("pod", "other", namespace)
    conditions: list[Json] = (pod or {}).get("status", {}).get("conditions", [])
    return any(one["type"] == "PodScheduled" and one.get("reason") == "Unschedulable" for one in conditions)


def _profile(namespace: str, labels: dict[str, str]) -> list[Json]:
    """A Fargate profile of one namespace and some labels."""
    key = "eks.amazonaws.com/compute-type"
    tolerations = f'[{{"key": "{key}", "operator": "Exists"}}, {{"key": "{platforms.PLATFORM}", "operator": "Exists"}}]'
    mutation = (
        f'[JSONPatch{{op: "add", path: "/spec/nodeSelector", value: {{"{key}": "fargate"}}}}, '
        f'JSONPatch{{op: "add", path: "/spec/tolerations", value: {tolerations}}}]'
    )
    matches = " && ".join(
        [f"object.metadata.namespace == '{namespace}'"]
        + [f"object.metadata.?labels['{key}'].orValue('') == '{value}'" for key, value in labels.items()]
    )
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "test-fargate-profile"}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "selected", "expression": matches}],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": mutation}}],
    }
    binding = {"policyName": "test-fargate-profile"}
    return [
        {**head, "kind": "MutatingAdmissionPolicy", "spec": policy},
        {**head, "kind": "MutatingAdmissionPolicyBinding", "spec": binding},
    ]


def _policy_works(cluster: Cluster, namespace: str) -> bool:
    """A policy counts a moment after it was made: asked by a pod that is never stored."""
    probe = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "labels": {POOL: "test-eks-fargate", "compute": "fargate"}},
        "spec": {"containers": [{"name": "main", "image": "example.invalid/other"}]},
    }
    ask = ("create", "--dry-run=server", "-o", "json", "-n", namespace, "-f", "-")
    done = cluster.kubectl(*ask, stdin=json.dumps(probe))
    return "nodeSelector" in json.loads(done.stdout)["spec"]
