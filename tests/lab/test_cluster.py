"""A lab with simulated nodes: what a person or a test relies on."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from berth.lab import Lab, LabError, LabOptions, build, tool
from berth.lab.api import Api, Deadline
from berth.lab.launch import start_time

pytestmark = pytest.mark.cluster


def eventually(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = Deadline(seconds)
    while not condition():
        assert not deadline.passed(), "waited too long"


def test_a_lab_is_ready_within_fifteen_seconds_once_built(name: str) -> None:
    build()
    # Others may keep the machine busy for a while: of three tries one is enough.
    assert any(_seconds_to_be_ready(f"{name}-{number}") < 15 for number in range(3))


def _seconds_to_be_ready(name: str) -> float:
    started = time.monotonic()
    with Lab(name, nodes="kwok:20", tie_to_parent=True) as lab:
        took = time.monotonic() - started
        nodes = lab.api.get("/api/v1/nodes")["items"]
        assert len(nodes) == 20
        assert "node.kubernetes.io/not-ready" not in json.dumps(nodes), "pods can be scheduled"
    return took


def test_the_server_is_verified_by_the_labs_own_authority_and_by_no_other(kwok_lab: Lab) -> None:
    url = f"{kwok_lab.server}/version"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {kwok_lab.token()}"})  # noqa: S310 (https)
    trusting = ssl.create_default_context(cafile=str(kwok_lab.ca_file))
    with urllib.request.urlopen(request, context=trusting, timeout=60) as answer:  # noqa: S310 (https)
        assert json.load(answer)["gitVersion"] == "v1.36.3"
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url, timeout=60)  # noqa: S310 (https)


def test_kubectl_is_of_the_servers_version_and_helm_is_four(kwok_lab: Lab) -> None:
    versions = json.loads(kwok_lab.kubectl("version", "-o", "json").stdout)
    assert versions["clientVersion"]["gitVersion"] == versions["serverVersion"]["gitVersion"] == "v1.36.3"
    assert "v4.3.1" in kwok_lab.helm("version", "--short").stdout


def test_a_person_may_do_nothing_until_rbac_says_so(kwok_lab: Lab) -> None:
    alice = str(kwok_lab.kubeconfig_for("alice"))
    refused = kwok_lab.kubectl("--kubeconfig", alice, "get", "pods", check=False)
    assert 'User "alice" cannot list resource "pods"' in refused.stderr
    kwok_lab.kubectl("create", "rolebinding", "alice-views", "--clusterrole=view", "--user=alice")
    eventually(lambda: kwok_lab.kubectl("--kubeconfig", alice, "get", "pods", check=False).returncode == 0)


def test_a_service_account_has_its_own_kubeconfig(kwok_lab: Lab) -> None:
    kwok_lab.kubectl("create", "serviceaccount", "robot")
    kubeconfig = kwok_lab.kubeconfig_for_service_account("default", "robot")
    who = kwok_lab.kubectl("--kubeconfig", str(kubeconfig), "auth", "whoami", "-o", "json").stdout
    assert json.loads(who)["status"]["userInfo"]["username"] == "system:serviceaccount:default:robot"


def test_the_audit_log_tells_who_did_what(kwok_lab: Lab) -> None:
    kwok_lab.kubectl("create", "configmap", "audited")

    def logged() -> bool:
        events = map(json.loads, kwok_lab.audit_log.read_text().splitlines())
        return any(
            event["verb"] == "create"
            and event["objectRef"].get("name") == "audited"
            and event["user"].get("username") == "admin"
            and event["stage"] == "ResponseComplete"
            for event in events
            if "objectRef" in event
        )

    eventually(logged)


def test_plain_pods_run_on_general_nodes_alone(kwok_lab: Lab) -> None:
    kwok_lab.kubectl("create", "deployment", "plain", "--image=example.test/x", "--replicas=12")
    kwok_lab.kubectl("rollout", "status", "deployment/plain", "--timeout=120s")
    pods = json.loads(kwok_lab.kubectl("get", "pods", "-l", "app=plain", "-o", "json").stdout)["items"]
    assert {pod["spec"]["nodeName"].rpartition("-")[0] for pod in pods} == {"general"}


def test_jobs_complete(kwok_lab: Lab) -> None:
    kwok_lab.kubectl("create", "job", "done", "--image=example.test/x")
    kwok_lab.kubectl("wait", "job/done", "--for=condition=Complete", "--timeout=120s")


def test_nodes_come_and_go_one_by_one(kwok_lab: Lab) -> None:
    kwok_lab.add_node("extra", "fargate-spot", zone="c")
    assert ("extra", "fargate-spot", "eu-west-1c", "yes") in {row[:4] for row in kwok_lab.node_rows()}
    kwok_lab.delete_node("extra")
    assert kwok_lab.api.get("/api/v1/nodes/extra") is None
    kwok_lab.add_node("broken", ready=False)
    assert ("broken", "general", "eu-west-1a", "no") in {row[:4] for row in kwok_lab.node_rows()}
    kwok_lab.delete_node("broken")


def test_a_killed_api_server_comes_back_at_its_address_with_its_data(kwok_lab: Lab) -> None:
    kwok_lab.kubectl("create", "configmap", "kept")
    kwok_lab.kill("kube-apiserver")
    assert kwok_lab.components()["kube-apiserver"] == "ended with -9"
    assert not Api(kwok_lab.state).answers("/version")
    kwok_lab.start("kube-apiserver")
    assert kwok_lab.kubectl("get", "configmap", "kept").returncode == 0


def test_a_component_can_hang_and_go_on(kwok_lab: Lab) -> None:
    kwok_lab.pause("kube-scheduler")
    assert kwok_lab.components()["kube-scheduler"] == "paused"
    kwok_lab.kubectl("run", "waiting", "--image=example.test/x")
    assert "nodeName" not in kwok_lab.api.get("/api/v1/namespaces/default/pods/waiting")["spec"]
    kwok_lab.resume("kube-scheduler")
    kwok_lab.kubectl("wait", "pod/waiting", "--for=condition=Ready", "--timeout=120s")


def test_a_component_that_runs_is_not_started_twice(kwok_lab: Lab) -> None:
    with pytest.raises(LabError, match="kwok runs already"):
        kwok_lab.start("kwok")


def test_two_labs_stand_side_by_side(kwok_lab: Lab, name: str) -> None:
    with Lab(name, nodes="none", tie_to_parent=True) as other:
        assert other.server != kwok_lab.server
        other.kubectl("create", "configmap", "only-here")
        assert kwok_lab.api.get("/api/v1/namespaces/default/configmaps/only-here") is None
        assert {state.name for state in Lab.all() if state.alive} == {kwok_lab.name, name}
    assert name not in {state.name for state in Lab.all()}


def test_a_lab_outlives_the_process_that_started_it_until_it_is_ended(name: str) -> None:
    _python(f"from berth.lab import Lab; Lab({name!r}, nodes='none').up()")
    lab = Lab.existing(name)
    assert lab.api.answers("/readyz")
    with pytest.raises(LabError, match="runs already"):
        Lab(name, nodes="none").up()
    lab.down()
    assert not lab_processes(name)


def test_a_killed_lab_leaves_nothing_that_stops_the_next(name: str) -> None:
    _python(f"from berth.lab import Lab; Lab({name!r}, nodes='kwok:4').up()")
    os.kill(Lab.existing(name).state.pid, signal.SIGKILL)
    eventually(lambda: not lab_processes(name))
    with Lab(name, nodes="kwok:4", tie_to_parent=True) as again:
        assert len(again.api.get("/api/v1/nodes")["items"]) == 4


def test_a_tied_lab_ends_with_its_owner_however_that_ends(name: str) -> None:
    script = f"from berth.lab import Lab; Lab({name!r}, nodes='none', tie_to_parent=True).up(); print('up', flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{script}; import time; time.sleep(600)"], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        folder = Lab.existing(name).state.folder
        assert lab_processes(name)
        owner.kill()
        eventually(lambda: not lab_processes(name))
    eventually(lambda: not folder.exists())


def test_a_component_that_cannot_start_is_named_with_its_log(name: str) -> None:
    lab = Lab(name, nodes="none", tie_to_parent=True, options=LabOptions(api_flags=("--no-such-flag",)))
    with pytest.raises(LabError, match=r"kube-apiserver ended(.|\n)*unknown flag: --no-such-flag"):
        lab.up()
    assert not lab_processes(name)


def test_crds_are_checked_as_the_api_server_checks_them(tmp_path: Path) -> None:
    good = sorted((Path(__file__).parents[2] / "crds").glob("*s.yaml"))
    assert subprocess.run([tool("crdcheck"), *good], capture_output=True, check=False).returncode == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text(_UNBOUNDED)
    refused = subprocess.run([tool("crdcheck"), bad], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "estimated rule cost exceeds budget" in refused.stderr
    assert str(bad) in refused.stderr


_UNBOUNDED = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.test}
spec:
  group: example.test
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                list: {type: array, items: {type: string}}
              x-kubernetes-validations:
                - rule: self.list.all(a, self.list.exists(b, a != b))
"""


def lab_processes(name: str) -> list[int]:
    """Return the processes whose command line names the lab's folder, or its supervisor."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and start_time(int(entry.name)):
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"/{name}/" in line or f"supervisor\0{name}\0" in line:
                found.append(int(entry.name))
    return found


def _python(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=True, timeout=180)


def test_simulated_pods_scale_by_the_use_that_their_annotations_claim(name: str) -> None:
    options = LabOptions(metrics=True)
    with Lab(name, nodes="kwok:4", tie_to_parent=True, options=options) as lab:
        lab.kubectl("create", "deployment", "busy", "--image=example.test/x")
        lab.kubectl("set", "resources", "deployment/busy", "--requests=cpu=100m")
        template = {"metadata": {"annotations": {"kwok.x-k8s.io/usage-cpu": "200m"}}}
        lab.kubectl("patch", "deployment", "busy", "-p", json.dumps({"spec": {"template": template}}))
        lab.kubectl("autoscale", "deployment", "busy", "--cpu=50%", "--max=4")
        lab.kubectl("wait", "deployment/busy", "--for=jsonpath={.spec.replicas}=4", "--timeout=300s")
        assert "busy-" in lab.kubectl("top", "pods").stdout
