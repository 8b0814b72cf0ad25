"""Faults on a real cluster: a killed operator, two leaders, an API server that is away or has forgotten, a new build.

`make faults` tries every place on a fake server; here each fault happens once, to the whole of it.
"""

import json
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from berth import names
from berth.settings import Settings
from support import audit
from support.cluster import Cluster
from support.manifests import capacity_provider, service, strategy, task_definition
from support.operator import Operator
from support.tasks import uids, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
CHILDREN = ("controllerrevisions", "deployments", "services")
IN_THE_AIR = Settings().workers
"""Each worker has one write under way."""
MIX = strategy(fargate=(1, 1), ec2=(0, 1))
NEXT_BUILD = """
from berth.engine import apply
from berth.plan import task_template

labels, manifest = task_template.task_labels, apply._manifest

def more_labels(*given):
    return {**labels(*given), "berth.dev/build": "next"}

def labelled(*given):
    made = manifest(*given)
    metadata = made["metadata"]
    return {**made, "metadata": {**metadata, "labels": {**metadata["labels"], "berth.dev/build": "next"}}}

task_template.task_labels, apply._manifest = more_labels, labelled
"""
"""A sitecustomize.py: this build puts one more label on every child and every task."""


@pytest.fixture(scope="module")
def lab(own_lab: Cluster) -> Cluster:
    own_lab.apply(capacity_provider("fargate"), capacity_provider("ec2", type="EC2"))
    own_lab.create_namespace("berth-system")
    return own_lab


@pytest.fixture
def place(lab: Cluster, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[5:60].rstrip("-")
    lab.create_namespace(name)
    return name


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "berth.log"


def _audit(lab: Cluster, since: int = 0) -> list[audit.Request]:
    assert lab.lab is not None
    return audit.requests(lab.lab.audit_log, since)


def _offset(lab: Cluster) -> int:
    assert lab.lab is not None
    return audit.offset(lab.lab.audit_log)


def _created(found: list[audit.Request], place: str) -> Counter[str]:
    """How often the operator made each object: an apply that makes one is answered 201."""
    return Counter(
        f"{one.resource}/{one.name}"
        for one in found
        if one.namespace == place and one.agent.startswith("berth") and one.code == 201 and one.resource in CHILDREN
    )


def _all_ready(lab: Cluster, place: str, count: int) -> bool:
    shown = [one for found in lab.all("ecssvc", place) for one in found.get("status", {}).get("conditions", [])]
    return sum(one["type"] == "Ready" and one["status"] == "True" for one in shown) == count


def _pid(operator: Operator) -> int:
    assert operator._process is not None
    return operator._process.pid


def test_killed_in_the_middle_of_two_hundred_creations(lab: Cluster, place: str, log: Path) -> None:
    start = _offset(lab)
    with Operator(lab.kubeconfig, log) as operator:
        operator.wait_listed()
        lab.apply(
            task_definition(), *(service(f"web-{number}", desiredCount=0) for number in range(200)), namespace=place
        )
        eventually(lambda: _created(_audit(lab, start), place).total() > 200, 120, "a third of it is there")
        operator.stop(signal.SIGKILL)
        between = _created(_audit(lab, start), place).total()
        assert 200 < between < 602, "the operator was killed in the middle"
        operator.start()
        eventually(lambda: _all_ready(lab, place, 200), 240, "all 200 are as asked for")
    made = _created(_audit(lab, start), place)
    # Each Service has a record, a Deployment and an address, and each of them was made once.
    expected = {f"{kind}/{name}" for number in range(200) for kind, name in _children(f"web-{number}")}
    assert _standing(lab, place) == expected
    assert set(made.values()) == {1}
    # What was under way at the kill was made without an answer that anybody could have read.
    assert expected - set(made) <= _cut_off(_audit(lab, start), place)
    assert len(expected - set(made)) <= IN_THE_AIR
    assert not [one for one in _audit(lab, start) if one.verb == "delete" and one.agent.startswith("berth")]
    lab.discard("namespace", place)


def _standing(lab: Cluster, place: str) -> set[str]:
    return {f"{kind}/{one['metadata']['name']}" for kind in CHILDREN for one in lab.all(kind, place, names.SERVICE)}


def _cut_off(found: list[audit.Request], place: str) -> set[str]:
    """Applies whose sender was gone: the server says 504 of them, those that it stored included."""
    applied = [one for one in found if one.namespace == place and one.agent.startswith("berth") and one.verb == "patch"]
    return {f"{one.resource}/{one.name}" for one in applied if one.code == 504}


def _children(name: str) -> list[tuple[str, str]]:
    return [("controllerrevisions", f"{name}-deployment-1"), ("deployments", name), ("services", name)]


def test_a_leader_that_was_stopped_writes_nothing_after_its_deadline(lab: Cluster, place: str, tmp_path: Path) -> None:
    assert lab.lab is not None
    for user in ("alice", "bob"):
        lab.kubectl("create", "clusterrolebinding", user, "--clusterrole=cluster-admin", f"--user={user}")
    terms = {"leader_election": "true", "lease_seconds": "8", "renew_deadline_seconds": "6", "retry_seconds": "0.5"}
    first = Operator(lab.lab.kubeconfig_for("alice"), tmp_path / "alice.log", identity="alice", **terms)
    second = Operator(lab.lab.kubeconfig_for("bob"), tmp_path / "bob.log", identity="bob", **terms)
    with ExitStack() as both:
        both.enter_context(first).wait_listed()
        both.enter_context(second)
        eventually(lambda: "waits for the lease" in second.log.read_text(), what="the other waits")
        lab.apply(task_definition(), service(desiredCount=1, capacityProviderStrategy=MIX), namespace=place)
        wait_ready(lab, place)
        start = _offset(lab)
        # A change is under way when the leader is stopped, and another follows that only the next one can see.
        lab.kubectl("scale", "ecssvc/web", "--replicas=6", "-n", place)
        stopped = time.monotonic()
        with _stopped(first):
            lab.kubectl("scale", "ecssvc/web", "--replicas=3", "-n", place)
            eventually(lambda: _writes_of("bob", _audit(lab, start)), 120, "the other writes")
            gap = time.monotonic() - stopped
        eventually(lambda: not first.running, 60, "the old leader ends itself")
        wait_ready(lab, place)
        found = _audit(lab, start)
    by = [one.user for one in found if one.verb in audit.WRITES and one.user in {"alice", "bob"} and one.code < 400]
    assert "alice" not in by[by.index("bob") :], "two led"
    assert first.code == 3, "it says why it ended"
    assert len(uids(lab, place)) == 3
    # The lease, a look, a list of everything, on a machine that does much else.
    assert gap < 8 + 0.5 + 20, f"nobody led for {gap:.1f} s"


@contextmanager
def _stopped(operator: Operator) -> Generator[None]:
    """SIGSTOP, and SIGCONT whatever happens: a stopped process cannot end."""
    assert operator._process is not None
    operator._process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        operator._process.send_signal(signal.SIGCONT)


def _writes_of(user: str, found: list[audit.Request]) -> list[audit.Request]:
    return [one for one in found if one.user == user and one.verb in audit.WRITES and one.resource == "deployments"]


def test_a_server_that_has_forgotten_where_the_watches_were(lab: Cluster, place: str, log: Path) -> None:
    assert lab.lab is not None
    keeping = [service(f"web-{number}", desiredCount=1) for number in range(4)]
    with Operator(lab.kubeconfig, log) as operator:
        operator.wait_listed()
        lab.apply(task_definition(), *keeping, namespace=place)
        eventually(lambda: _all_ready(lab, place, 4), 120, "all are Ready")
        with _stopped(operator):
            # While nobody looks, a Service goes with all it owns, and of another one a child alone.
            lab.delete("ecssvc", "web-0", place)
            eventually(lambda: lab.get("deployment", "web-0", place) is None, what="the garbage is gone")
            lab.delete("deployment", "web-1", place)
            lab.kubectl("scale", "ecssvc/web-2", "--replicas=3", "-n", place)
            _compact(lab)
            lab.lab.kill("kube-apiserver")
            lab.lab.start("kube-apiserver")
            start = _offset(lab)
        eventually(lambda: lab.get("deployment", "web-1", place), 120, "the child is made again")
        wait_ready(lab, place, "web-1")
        wait_ready(lab, place, "web-2")
        found = _audit(lab, start)
        assert operator.running
    made = _created(found, place)
    assert made == {"deployments/web-1": 1}
    assert [one for one in found if one.verb == "delete" and one.agent.startswith("berth")] == []
    assert lab.get("deployment", "web-0", place) is None
    assert len(uids(lab, place, "web-2")) == 3


def _compact(lab: Cluster) -> None:
    """Let etcd forget all that was."""
    assert lab.lab is not None
    etcd = f"http://127.0.0.1:{lab.lab.state.etcd_port}/v3"
    revision = _post(f"{etcd}/maintenance/status", {})["header"]["revision"]
    _post(f"{etcd}/kv/compaction", {"revision": revision, "physical": True})


def _post(url: str, body: Json) -> Json:
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=30) as answer:  # noqa: S310  # the lab's own etcd
        return dict(json.loads(answer.read()))


def test_another_build_and_back_restarts_no_task(  # noqa: PLR0913, PLR0917  # fixtures
    lab: Cluster, place: str, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Operator(lab.kubeconfig, log) as operator:
        operator.wait_listed()
        lab.apply(task_definition(), service(desiredCount=4, capacityProviderStrategy=MIX), namespace=place)
        wait_ready(lab, place)
    before, shape = uids(lab, place), _shape(lab, place)
    (tmp_path / "sitecustomize.py").write_text(NEXT_BUILD)
    with monkeypatch.context() as patched:
        patched.setenv("PYTHONPATH", str(tmp_path))
        following = Operator(lab.kubeconfig, tmp_path / "next.log")
    with following:
        following.wait_listed()
        eventually(lambda: _labels(lab, place) == {"next"}, what="the other build's label is there")
        lab.kubectl("scale", "ecssvc/web", "--replicas=6", "-n", place)
        wait_ready(lab, place)
        lab.kubectl("scale", "ecssvc/web", "--replicas=4", "-n", place)
        wait_ready(lab, place)
    assert before & uids(lab, place) == before or len(before & uids(lab, place)) >= 3, "scaling in chooses its pods"
    assert _templates(lab, place) == shape["templates"]
    with operator:
        operator.wait_listed(times=2)
        # Each child is written by itself, and the Service is Ready all the time.
        eventually(lambda: _shape(lab, place) == shape, what="all is as before, and no label is left")
        wait_ready(lab, place)
    assert _shape(lab, place) == shape


def test_an_api_server_that_is_away_for_a_minute(lab: Cluster, place: str, log: Path) -> None:
    # The last of these tests: the control plane is not well for some time after it.
    assert lab.lab is not None
    with Operator(lab.kubeconfig, log) as operator:
        operator.wait_listed()
        lab.apply(task_definition(), service(desiredCount=3, capacityProviderStrategy=MIX), namespace=place)
        wait_ready(lab, place)
        before, pid, start = uids(lab, place), _pid(operator), _offset(lab)
        lab.lab.kill("kube-apiserver")
        # Kopf gives up after 54 s unless it is told to be patient: a shorter time would not show it.
        back = time.monotonic() + 60
        eventually(lambda: time.monotonic() > back, 90, "a minute has passed")
        assert operator.running
        lab.lab.start("kube-apiserver")
        lab.apply(service("late", desiredCount=1), namespace=place)
        # Its watches wait 15 s at most. Pods come later: Kubernetes' own controllers can need another minute.
        eventually(lambda: lab.get("deployment", "late", place), 90, "the operator is back at work")
        assert _pid(operator) == pid
        assert operator.running
        found = [one for one in _audit(lab, start) if one.namespace == place]
        # Nodes that could not renew their leases may have been counted out for a moment: the status says so.
        written = audit.writes([one for one in found if not one.name.startswith("late")])
        assert [one for one in written if not one.endswith("/status")] == []
        assert uids(lab, place) == before


def _labels(lab: Cluster, place: str) -> set[str | None]:
    """What the children say of the build that wrote them last."""
    children = (one for kind in CHILDREN for one in lab.all(kind, place, names.SERVICE))
    return {one["metadata"]["labels"].get("berth.dev/build") for one in children}


def _templates(lab: Cluster, place: str) -> Json:
    return {one["metadata"]["name"]: one["spec"]["template"] for one in lab.all("deployments", place)}


def _shape(lab: Cluster, place: str) -> Json:
    """What another build must leave as it was; a ReplicaSet more would be a restart of tasks."""
    labels = {
        f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["labels"]
        for kind in CHILDREN
        for one in lab.all(kind, place, f"{names.SERVICE}=web")
    }
    sets = sorted(one["metadata"]["name"] for one in lab.all("replicasets", place))
    return {"labels": labels, "templates": _templates(lab, place), "sets": sets}
