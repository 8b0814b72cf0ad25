"""Managed scaling with real Karpenter: nodes come with a Service's tasks, go with them, and never before them."""

from collections.abc import Generator
from typing import Any

import pytest
import yaml

from berth import names
from berth.lab import Lab, LabOptions
from support import audit
from support.cluster import ROOT, Cluster
from support.lab_name import lab_name
from support.managed_scaling import NODE, NODE_CLASS, TASK, deployed, nodes, placed, provider, reason, running, scale
from support.manifests import service, strategy, task_definition
from support.operator import Operator
from support.tasks import pods, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
SYSTEM = "berth-system"
FORBIDDEN = 403
# At 100 % Karpenter packs nothing: it asks disruption budgets before it begins.
HALF = {"minimumHealthyPercent": 50}


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Generator[Lab]:
    """Karpenter, one node of no pool, and Berth installed as people install it."""
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("installs Karpenter, so it takes a lab of its own: --cluster lab")
    with Lab(lab_name(), nodes="kwok:1", tie_to_parent=True, options=LabOptions(karpenter=True)) as found:
        found.kubectl("apply", "--server-side", "-k", str(ROOT / "deploy"))
        found.kubectl("apply", "--server-side", "-f", str(ROOT / "deploy" / "options" / "karpenter.yaml"))
        Cluster(found.kubeconfig, found).wait_kinds()
        yield found


@pytest.fixture(scope="module")
def cluster(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """The cluster with an operator that has the rights of its installation, and no more."""
    folder = tmp_path_factory.mktemp("operator")
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump({"managedScaling": {"karpenter": True}}))
    account = lab.kubeconfig_for_service_account(SYSTEM, "berth")
    settings = {"platform_file": str(file), "operator_namespace": SYSTEM, "leader_election": "true"}
    with Operator(account, folder / "berth.log", **settings) as running:
        running.wait_listed()
        yield Cluster(lab.kubeconfig, lab)
    ours = [one for one in audit.requests(lab.audit_log) if one.user.endswith(":berth")]
    # A test's namespace that ends refuses all that is new in it.
    assert [one for one in ours if one.code == FORBIDDEN and one.namespace in {"", SYSTEM}] == []


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Generator[str]:
    """A namespace of the test's own; no Service, provider or node is left by it."""
    name = request.node.name.replace("_", "-").removeprefix("test-")[:40].rstrip("-")
    cluster.create_namespace(name)
    yield name
    cluster.kubectl("delete", "capacityproviders", "--all")
    cluster.kubectl("delete", "namespace", name)
    eventually(lambda: not cluster.all("nodepools") and not cluster.all("nodeclaims"), 240, "pools and nodes are gone")


def test_nodes_come_with_tasks_and_go_with_them(cluster: Cluster, namespace: str, lab: Lab) -> None:
    cluster.apply(provider(spot=True))
    eventually(lambda: reason(cluster) == "Available", what="the provider's pool is ready")
    foreign = ["create", "deployment", "foreign", "--image=example.test/x", "--replicas=30", "-n", namespace]
    cluster.kubectl(*foreign)
    cluster.apply(
        task_definition(**TASK),
        service(desiredCount=3, deploymentConfiguration=HALF, capacityProviderStrategy=strategy(burst=(0, 1))),
        namespace=namespace,
    )
    running(cluster, namespace, 3)
    assert len(nodes(cluster)) == 1
    scale(cluster, namespace, 60)
    running(cluster, namespace, 60)
    found = nodes(cluster)
    assert len(found) >= 60 / 7
    assert placed(cluster, namespace).keys() <= found.keys()
    for one in found.values():
        assert one["metadata"]["labels"]["karpenter.sh/capacity-type"] == "spot"
        taint = {"key": names.CAPACITY_PROVIDER, "value": "burst", "effect": "NoSchedule"}
        assert taint in one["spec"]["taints"]
    others = cluster.all("pods", namespace, "app=foreign")
    assert {one["spec"].get("nodeName") for one in others} == {"general-0"}
    expected = {"nodePool": "burst", "poolNodes": len(found)}
    eventually(
        lambda: _shown(cluster) == expected and _count(cluster) == len(found), what="the provider shows its nodes"
    )
    before = audit.offset(lab.audit_log)
    lab.kubectl("annotate", "nodepool", "burst", "example.test/touched=yes")
    lab.kubectl("annotate", "cprov", "burst", "example.test/touched=yes")
    lab.kubectl("rollout", "status", "-n", namespace, "deployment/web-burst", "--timeout=120s")
    assert not [key for key in audit.writes(audit.requests(lab.audit_log, before)) if "nodepools" in key]
    scale(cluster, namespace, 6)
    running(cluster, namespace, 6)
    healthy: list[int] = []
    eventually(lambda: _packed(cluster, namespace, healthy), 240, "the tasks are packed onto one node")
    assert min(healthy) >= 3, "never fewer than minimumHealthyPercent asks for"
    running(cluster, namespace, 6)


def _packed(cluster: Cluster, namespace: str, healthy: list[int]) -> bool:
    """Whether one node is left; the number of healthy tasks on the way there is noted down."""
    healthy.append((cluster.get("deployment", "web-burst", namespace) or {})["status"].get("readyReplicas", 0))
    return len(nodes(cluster)) == 1


def _shown(cluster: Cluster) -> Json:
    return dict((cluster.get("cprov", "burst") or {})["status"]["managedScaling"])


def _count(cluster: Cluster) -> int:
    return int((cluster.get("cprov", "burst") or {})["status"]["nodes"])


def test_a_node_that_is_taken_back_is_replaced_and_its_tasks_move(cluster: Cluster, namespace: str) -> None:
    """Deleting a NodeClaim is what Karpenter does on a spot notice."""
    cluster.apply(provider(spot=True))
    deployed(cluster, namespace, 10)
    before = nodes(cluster)
    (claim, *_) = cluster.all("nodeclaims")
    lost = claim["status"]["nodeName"]
    assert placed(cluster, namespace)[lost] > 0
    cluster.kubectl("delete", "nodeclaim", claim["metadata"]["name"], "--wait=false")
    eventually(lambda: lost not in nodes(cluster), 180, "the node is gone")
    assert lost in before
    eventually(lambda: _all_on(cluster, namespace, 10), 180, "its tasks have moved")
    running(cluster, namespace, 10)


def _all_on(cluster: Cluster, namespace: str, count: int) -> bool:
    """Whether all tasks are on nodes that there are: the status may be an older one for a moment."""
    found = placed(cluster, namespace)
    return found.total() == count and found.keys() <= nodes(cluster).keys()


def test_placeholders_keep_room_and_give_way_to_tasks(cluster: Cluster, namespace: str) -> None:
    others = _preempted(cluster)
    cluster.apply(provider(managed={"targetCapacity": 60}))
    deployed(cluster, namespace, 6)
    room = eventually(lambda: _placeholders(cluster, 4), 120, "four places are kept free")
    assert _preempted(cluster) == others, "a placeholder took a place that a task was waiting for"
    assert {one["spec"]["nodeName"] for one in room} <= nodes(cluster).keys()
    eventually(lambda: _shown(cluster)["placeholders"] == 4, what="the provider shows it")
    kept = {one["metadata"]["uid"] for one in room}
    before = nodes(cluster).keys()
    scale(cluster, namespace, 12)
    running(cluster, namespace, 12)
    eventually(lambda: _preempted(cluster) & kept, what="placeholders gave way")
    assert placed(cluster, namespace).keys() & before
    eventually(lambda: _placeholders(cluster, 8), 120, "eight places are kept free for twelve tasks")
    scale(cluster, namespace, 0)
    eventually(lambda: not cluster.all("pods", SYSTEM, names.HEADROOM), 120, "no tasks need no room")


def test_turned_off_no_node_comes_and_none_goes_before_its_tasks(cluster: Cluster, namespace: str, lab: Lab) -> None:
    cluster.apply(provider())
    deployed(cluster, namespace, 10)
    before = nodes(cluster)
    where = placed(cluster, namespace)
    cluster.patch("cprov", "burst", "", {"spec": {"managedScaling": {"status": "DISABLED"}}})
    eventually(lambda: _limits(cluster) == {"cpu": "0"}, what="the pool is frozen")
    scale(cluster, namespace, 20)
    eventually(lambda: len(_waiting(cluster, namespace)) == 20 - 7 * len(before), what="more tasks find no place")
    assert nodes(cluster).keys() == before.keys()
    assert (cluster.get("nodepool", "burst") or {})["spec"]["disruption"]["consolidationPolicy"] == "WhenEmpty"
    scale(cluster, namespace, 10)
    running(cluster, namespace, 10)
    assert placed(cluster, namespace).keys() == where.keys(), "no task was moved"
    scale(cluster, namespace, 0)
    eventually(lambda: cluster.get("nodepool", "burst") is None, 90, "the pool has served its time")
    eventually(lambda: not nodes(cluster), 90, "its nodes are gone")
    eventually(lambda: "managedScaling" not in (cluster.get("cprov", "burst") or {})["status"], what="it is not shown")
    before_off = audit.offset(lab.audit_log)
    lab.kubectl("annotate", "cprov", "burst", "example.test/touched=yes")
    running(cluster, namespace, 0)
    assert not [key for key in audit.writes(audit.requests(lab.audit_log, before_off)) if "nodepools" in key]


def test_a_deleted_provider_ends_no_task_that_runs(cluster: Cluster, namespace: str) -> None:
    cluster.apply(provider())
    deployed(cluster, namespace, 5)
    before = {one["metadata"]["uid"] for one in pods(cluster, namespace)}
    cluster.delete("cprov", "burst")
    eventually(lambda: _service_reason(cluster, namespace) == "CapacityProviderNotFound", what="the Service says it")
    assert cluster.get("nodepool", "burst") is not None
    assert {one["metadata"]["uid"] for one in pods(cluster, namespace)} == before
    cluster.apply(provider())
    running(cluster, namespace, 5)
    assert {one["metadata"]["uid"] for one in pods(cluster, namespace)} == before
    cluster.delete("cprov", "burst")
    cluster.delete("ecssvc", "web", namespace)
    eventually(lambda: cluster.get("nodepool", "burst") is None, 120, "nothing needs the pool any more")


def test_protected_tasks_keep_their_nodes_on_scale_in(cluster: Cluster, namespace: str) -> None:
    cluster.apply(provider(managedTerminationProtection="ENABLED"))
    mine: Json = {
        "desiredCount": 7,
        "capacityProviderStrategy": strategy(burst=(0, 1)),
        "deploymentConfiguration": HALF,
    }
    cluster.apply(task_definition(**TASK), service(**mine), namespace=namespace)
    wait_ready(cluster, namespace)
    cluster.apply(service("api", **mine), namespace=namespace)
    wait_ready(cluster, namespace, "api")
    before = nodes(cluster)
    assert len(before) == 2
    for name in ("web", "api"):
        cluster.patch("ecssvc", name, namespace, {"spec": {"desiredCount": 2}})
        wait_ready(cluster, namespace, name)
    eventually(lambda: _protected(cluster) & before.keys(), 180, "Karpenter says why it leaves a node alone")
    assert nodes(cluster).keys() == before.keys()


def test_a_node_class_that_is_missing_is_named(cluster: Cluster, namespace: str) -> None:
    assert namespace
    cluster.apply(provider(karpenter={"nodeClassRef": {**NODE_CLASS, "name": "nowhere"}}))
    said = eventually(lambda: _fault(cluster), what="the provider says what is missing")
    assert reason(cluster) == "NodePoolNotReady"
    assert "not found" in said.lower(), said


def test_a_pool_of_somebody_else_is_left_alone(cluster: Cluster, namespace: str) -> None:
    assert namespace
    foreign: Json = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "burst"},
        "spec": {"template": {"spec": {"nodeClassRef": NODE_CLASS, "requirements": []}}, "weight": 7},
    }
    cluster.apply(foreign)
    cluster.apply(provider(karpenter={"weight": 50}))
    eventually(lambda: reason(cluster) == "NotOwned", what="the provider says what is in its way")
    assert (cluster.get("nodepool", "burst") or {})["spec"]["weight"] == foreign["spec"]["weight"]
    cluster.delete("nodepool", "burst")
    eventually(lambda: reason(cluster) == "Available", 120, "it goes on once the name is free")


def test_the_examples_make_pools(cluster: Cluster, namespace: str) -> None:
    """As they stand but for what is AWS's: the node class, and labels that only its machines have."""
    assert namespace
    for one in yaml.safe_load_all((ROOT / "examples" / "managed-scaling" / "karpenter.yaml").read_text()):
        karpenter = one["spec"]["managedScaling"]["karpenter"]
        karpenter |= {"nodeClassRef": NODE_CLASS, "requirements": NODE}
        cluster.apply(one)
        name = one["metadata"]["name"]
        eventually(lambda name=name: reason(cluster, name) == "Available", 120, f"the pool of {name} is ready")


def _preempted(cluster: Cluster) -> set[str]:
    """Placeholders that had to give way."""
    told = cluster.all("events.events.k8s.io", SYSTEM)
    return {one["regarding"]["uid"] for one in told if one["reason"] == "Preempted"}


def _placeholders(cluster: Cluster, count: int) -> list[Json]:
    found = cluster.all("pods", SYSTEM, f"{names.HEADROOM}=burst")
    on_nodes = [one for one in found if one["spec"].get("nodeName") and "deletionTimestamp" not in one["metadata"]]
    return on_nodes if len(on_nodes) == count else []


def _fault(cluster: Cluster) -> str:
    said = str(cluster.condition("cprov", "burst", "").get("message"))
    return said if said.startswith("NodePool burst: NodeClassReady: ") else ""


def _limits(cluster: Cluster) -> Json:
    return dict((cluster.get("nodepool", "burst") or {})["spec"].get("limits", {}))


def _waiting(cluster: Cluster, namespace: str) -> list[Json]:
    return [one for one in pods(cluster, namespace) if not one["spec"].get("nodeName")]


def _service_reason(cluster: Cluster, namespace: str) -> str:
    return str(cluster.condition("ecssvc", "web", namespace).get("reason"))


def _protected(cluster: Cluster) -> set[str]:
    """Nodes that Karpenter would take away, were it not for the annotation of their tasks."""
    told = cluster.all("events.events.k8s.io", "default")
    blocked = [one for one in told if one["reason"] == "DisruptionBlocked" and "do-not-disrupt" in one.get("note", "")]
    return {one["regarding"]["name"] for one in blocked if one["regarding"]["kind"] == "Node"}
