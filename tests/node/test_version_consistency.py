"""A tag that moves while tasks run: one deployment runs one image, however late a task of it starts."""

from pathlib import Path
from typing import Any

from berth.lab import Lab
from support.cluster import Cluster, prepared
from support.lab_name import lab_name
from support.lab_registry import publish, served
from support.manifests import service, task_definition
from support.operator import Operator
from support.real_pods import require_real_pods
from support.tasks import pods, wait_ready

HOST = "registry.test"


def _digests(cluster: Cluster) -> set[str]:
    statuses = [one for pod in pods(cluster, "shop") for one in pod["status"]["containerStatuses"]]
    return {str(one["imageID"]).rpartition("@")[2] for one in statuses}


def _first(cluster: Cluster, number: int) -> dict[str, Any]:
    found = cluster.get("pod", f"web-deployment-{number}-first", "shop")
    assert found is not None
    return found


def test_a_moved_tag_is_followed_by_the_next_deployment_alone(tmp_path: Path) -> None:
    require_real_pods()
    with Lab(lab_name(), nodes="real", tie_to_parent=True) as lab, served(lab, tmp_path / "registry", HOST) as folder:
        (folder / "login").write_text("")
        cluster = prepared(Cluster(lab.kubeconfig, lab))
        one = publish(lab, folder)
        with Operator(lab.kubeconfig, tmp_path / "berth.log") as running:
            running.wait_listed()
            cluster.create_namespace("shop")
            container: dict[str, Any] = {
                "name": "web",
                "image": f"{HOST}/shop/web:1",
                "command": ["serve", "-port", "8080"],
            }
            container["versionConsistency"] = "enabled"
            cluster.apply(task_definition(containerDefinitions=[container]), service(desiredCount=2), namespace="shop")
            wait_ready(cluster, "shop", within=180)
            assert _digests(cluster) == {one}
            first = _first(cluster, 1)

            two = publish(lab, folder, "somebody")
            assert two != one
            cluster.kubectl("scale", "ecssvc/web", "--replicas=4", "-n", "shop")
            wait_ready(cluster, "shop", within=180)
            assert len(pods(cluster, "shop")) == 4
            assert _digests(cluster) == {one}, "a task that started later runs other bytes"
            assert _first(cluster, 1)["metadata"]["uid"] == first["metadata"]["uid"]

            cluster.patch("ecssvc", "web", "shop", {"spec": {"forceNewDeployment": "1"}})
            wait_ready(cluster, "shop", within=240)
            assert _digests(cluster) == {two}
            shown = cluster.get("ecssvc", "web", "shop")
            assert shown is not None
            (image,) = shown["status"]["deployments"][0]["containerImages"]
            assert image == {"containerName": "web", "image": f"{HOST}/shop/web:1", "imageDigest": two}
            assert len(pods(cluster, "shop")) == 4
            (status,) = _first(cluster, 2)["status"]["containerStatuses"]
            assert status["restartCount"] == 0
