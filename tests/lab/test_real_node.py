"""A lab with real containers: what pods see, and what people see of pods."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from berth.lab import Lab, real_nodes_unavailable
from support.waiting import eventually

pytestmark = pytest.mark.node


def fetch(lab: Lab, url: str) -> str:
    return lab.kubectl("exec", "client", "--", "/probe", "get", url).stdout


def test_a_service_answers_by_its_name_from_every_pod_behind_it(real_lab: Lab) -> None:
    seen: set[str] = set()

    def both() -> bool:
        seen.add(json.loads(fetch(real_lab, "http://web.default.svc.cluster.local/"))["hostname"])
        return len(seen) == 2

    eventually(both)
    assert all(host.startswith("web-") for host in seen)


def test_a_service_answers_at_its_address_and_from_outside_the_lab(real_lab: Lab) -> None:
    address = real_lab.api.get("/api/v1/namespaces/default/services/web")["spec"]["clusterIP"]
    answer = json.loads(fetch(real_lab, f"http://{address}/"))
    assert answer["env"]["GREETING"] == "hello"
    assert answer["uid"] == 65532
    outside = real_lab.kubectl("get", "--raw", "/api/v1/namespaces/default/services/web:80/proxy/")
    assert json.loads(outside.stdout)["env"]["GREETING"] == "hello"


def test_a_pod_reaches_itself_through_its_service(real_lab: Lab) -> None:
    pod = real_lab.kubectl("get", "pods", "-l", "app=web", "-o", "name").stdout.split()[0]
    for _ in range(6):
        assert real_lab.kubectl("exec", pod, "--", "/probe", "get", "http://web/").returncode == 0


def test_the_cluster_itself_is_reached_from_a_pod(real_lab: Lab) -> None:
    refused = real_lab.kubectl(
        "exec", "client", "--", "/probe", "get", "https://kubernetes.default.svc/version", check=False
    )
    assert "certificate signed by unknown authority" in refused.stderr


def test_logs_and_exit_codes_are_kept(real_lab: Lab) -> None:
    real_lab.kubectl("wait", "job/fails", "--for=condition=Failed", "--timeout=120s")
    assert real_lab.kubectl("logs", "job/fails").stdout == "it ends badly\n"
    pods = json.loads(real_lab.kubectl("get", "pods", "-l", "job-name=fails", "-o", "json").stdout)["items"]
    assert pods[0]["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_a_shell_runs_in_a_container(real_lab: Lab) -> None:
    done = real_lab.kubectl("exec", "client", "--", "sh", "-c", "echo $((6 * 7)); exit 5", check=False)
    assert done.stdout == "42\n"
    assert "exit code 5" in done.stderr


def test_top_shows_pods_and_the_node(real_lab: Lab) -> None:
    eventually(lambda: "web-" in real_lab.kubectl("top", "pods", check=False).stdout, 120)
    eventually(lambda: "node0" in real_lab.kubectl("top", "nodes", check=False).stdout)


def test_a_pod_that_fails_its_probe_gets_no_requests(real_lab: Lab) -> None:
    real_lab.kubectl("create", "deployment", "flaky", "--image=berth.local/probe:1", "--", "/probe", "serve")
    probe = '[{"op": "add", "path": "/spec/template/spec/containers/0/readinessProbe", "value": %s}]'
    check = '{"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}'
    real_lab.kubectl("patch", "deployment", "flaky", "--type=json", "-p", probe % check)
    real_lab.kubectl("rollout", "status", "deployment/flaky", "--timeout=120s")
    # kubectl exec might choose the one before the patch while it is stopping.
    eventually(lambda: len(_pods(real_lab, "flaky")) == 1, what="one pod is left")
    real_lab.kubectl("expose", "deployment", "flaky", "--port=8080")
    post = "wget -q -O- --post-data= http://localhost:8080/fail"
    real_lab.kubectl("exec", "deployment/flaky", "--", "sh", "-c", post)
    eventually(lambda: '"ready":false' in real_lab.kubectl("get", "--raw", _slices("flaky")).stdout)


def _pods(lab: Lab, app: str) -> list[str]:
    return lab.kubectl("get", "pods", "-l", f"app={app}", "-o", "name").stdout.split()


def _slices(service: str) -> str:
    label = f"labelSelector=kubernetes.io/service-name%3D{service}"
    return f"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?{label}"


def test_a_second_real_lab_stands_beside_and_a_killed_one_leaves_no_trace(real_lab: Lab, name: str) -> None:
    lab = Lab(name, nodes="real", tie_to_parent=True).up()
    lab.kubectl("run", "pod", "--image=berth.local/probe:1")
    lab.kubectl("wait", "pod/pod", "--for=condition=Ready", "--timeout=180s")
    os.kill(lab.state.pid, signal.SIGKILL)
    eventually(lambda: not lab.state.alive)
    lab.down()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/berth-lab-{name}"))
    assert name not in Path("/proc/mounts").read_text()
    assert "veth" not in subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    assert json.loads(fetch(real_lab, "http://web/"))["path"] == "/"


@pytest.mark.skipif(not Path("/etc/debian_version").exists() or os.geteuid() != 0, reason="not root on Debian")
def test_on_debian_as_root_no_test_of_real_nodes_may_skip() -> None:
    assert real_nodes_unavailable() is None
