"""What becomes of revisions: told differences, one holder for a family, an end for those that nobody needs."""

import pytest

from support.cluster import Cluster
from support.manifests import service, task_definition
from support.tasks import wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")

LIMIT = 20


def test_a_revision_tells_what_differs_from_ecs(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), namespace=namespace)
    eventually(lambda: _revisions(cluster, namespace) == {1}, what="the revision is registered")
    eventually(lambda: "Translations:" in _described(cluster, namespace), what="its translations are told")
    assert "a container that stops is restarted in its task; ECS replaces the task" in _described(cluster, namespace)


def test_a_family_has_one_task_definition(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(), namespace=namespace)
    eventually(lambda: cluster.condition("taskdef", "web", namespace).get("status") == "True", what="web is registered")
    cluster.apply(task_definition("copy", family="web"), namespace=namespace)
    said = eventually(
        lambda: (c := cluster.condition("taskdef", "copy", namespace)).get("reason") == "FamilyInUse" and c,
        what="the second is blocked",
    )
    assert "belongs to TaskDefinition web" in said["message"]
    assert cluster.get("tdrev", "copy-1", namespace) is None
    cluster.delete("taskdef", "web", namespace)
    eventually(
        lambda: cluster.get("tdrev", "copy-1", namespace), what="the second has the family once the first is gone"
    )


def test_old_revisions_go_but_those_in_use_stay(cluster: Cluster, namespace: str) -> None:
    cluster.apply(task_definition(image="shop/web:1"), service(taskDefinition="web:1"), namespace=namespace)
    wait_ready(cluster, namespace)
    for number in range(2, LIMIT + 4):
        cluster.apply(task_definition(image=f"shop/web:{number}"), namespace=namespace)
        eventually(lambda number=number: number in _revisions(cluster, namespace), what=f"web:{number} is registered")
    newest = set(range(4, LIMIT + 4))
    eventually(lambda: _revisions(cluster, namespace) == {1} | newest, what="old ones go, the used one stays")
    cluster.delete("ecssvc", "web", namespace)
    eventually(lambda: _revisions(cluster, namespace) == newest, what="the one that was used goes, too")


def _revisions(cluster: Cluster, namespace: str) -> set[int]:
    return {int(one["spec"]["revision"]) for one in cluster.all("tdrev", namespace)}


def _described(cluster: Cluster, namespace: str) -> str:
    return cluster.kubectl("describe", "tdrev", "web-1", "-n", namespace).stdout
