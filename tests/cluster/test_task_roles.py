"""Who may use a task role: the API server itself asks, as what we install tells it to."""

import json
from collections.abc import Generator
from typing import Any

import pytest
import yaml

from berth.lab import Lab, LabOptions
from support.cluster import ROOT
from support.lab_name import lab_name
from support.manifests import task_definition
from support.waiting import eventually

pytestmark = pytest.mark.cluster

ROLE = "arn:aws:iam::111122223333:role/service/reports"
OTHER = "arn:aws:iam::111122223333:role/admin"
RBAC = "rbac.authorization.k8s.io"


def role(name: str, resources: list[str], verbs: list[str], **more: Any) -> dict[str, object]:
    rule = {"apiGroups": [more.pop("group", "berth.dev")], "resources": resources, "verbs": verbs, **more}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]}


def binding(name: str, *users: str) -> dict[str, object]:
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": user} for user in users]
    metadata = {"name": f"{name}-{'-'.join(users)}", "namespace": "shop"}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": name}
    head = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata}
    return {**head, "roleRef": reference, "subjects": subjects}


@pytest.fixture(scope="module", params=["kustomize", "helm"])
def guarded(request: pytest.FixtureRequest) -> Generator[Lab]:
    """Both users may write task definitions, alice may use one role."""
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("acts as two users of the lab's own: --cluster lab")
    options = LabOptions(users=("alice", "bob"))
    with Lab(lab_name(), nodes="kwok:2", tie_to_parent=True, options=options) as lab:
        if request.param == "helm":
            chart = str(ROOT / "charts" / "berth")
            lab.helm("install", "berth", chart, "--namespace", "berth-system", "--create-namespace")
        else:
            lab.kubectl("apply", "--server-side", "-k", str(ROOT / "deploy"))
        crds = ("crd/taskdefinitions.berth.dev", "crd/taskdefinitionrevisions.berth.dev")
        lab.kubectl("wait", *crds, "--for=condition=Established", "--timeout=120s")
        lab.kubectl("create", "namespace", "shop")
        writes = role("writers", ["taskdefinitions", "taskdefinitionrevisions"], ["get", "create", "update", "patch"])
        uses = role("reports", ["taskroles"], ["use"], resourceNames=[ROLE])
        deploys = role("deployers", ["deployments"], ["create"], group="apps")
        bound = [binding("writers", "alice", "bob"), binding("reports", "alice"), binding("deployers", "alice")]
        rights = [writes, uses, deploys, *bound]
        lab.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(rights))
        eventually(lambda: _all_act(lab), what="the rights and both policies act")
        yield lab


def _all_act(lab: Lab) -> bool:
    """Each comes to the API server by a watch of its own. Nothing is stored: what is unchanged would not be asked."""
    web = {"name": "web", "image": "web:1", "secrets": [{"name": "A", "valueFrom": "secret:db/password"}]}
    secretive = task_definition("first", containerDefinitions=[web])
    asked = (task_definition("first", taskRoleArn=ROLE), secretive, revision(1))
    of_alice, of_bob = ([put(lab, user, one, "--dry-run=server") for one in asked] for user in ("alice", "bob"))
    return not any(of_alice) and all("may not use" in said for said in of_bob)


def apply(lab: Lab, user: str, name: str = "web", **spec: Any) -> str:
    """What the API server has against it; empty when it took it."""
    return put(lab, user, task_definition(name, **spec))


def put(lab: Lab, user: str, manifest: dict[str, object], *how: str) -> str:
    command = ("--kubeconfig", str(lab.kubeconfig_for(user)), "apply", "-n", "shop", "-f", "-", *how)
    return lab.kubectl(*command, stdin=json.dumps(manifest), check=False).stderr


def test_whoever_may_use_a_role_names_it(guarded: Lab) -> None:
    assert apply(guarded, "alice", "allowed", taskRoleArn=ROLE) == ""


def test_nobody_else_does(guarded: Lab) -> None:
    refused = apply(guarded, "bob", "refused", taskRoleArn=ROLE)
    assert f"spec.taskRoleArn: bob may not use the role {ROLE}" in refused
    assert f"verb use on taskroles.berth.dev, resourceNames [{ROLE}]" in refused


def test_the_right_is_for_one_role(guarded: Lab) -> None:
    assert f"alice may not use the role {OTHER}" in apply(guarded, "alice", "another", taskRoleArn=OTHER)


def test_without_a_role_nobody_is_asked(guarded: Lab) -> None:
    assert apply(guarded, "bob", "plain") == ""


def test_who_changes_what_runs_would_run_it_with_the_role(guarded: Lab) -> None:
    assert apply(guarded, "alice", "shared", taskRoleArn=ROLE) == ""
    assert "bob may not use the role" in apply(guarded, "bob", "shared", image="evil:1", taskRoleArn=ROLE)
    labelled = task_definition("shared", taskRoleArn=ROLE)
    labelled["metadata"]["labels"] = {"team": "reports"}
    assert put(guarded, "bob", labelled) == ""


def revision(number: int) -> dict[str, object]:
    content = task_definition("web", taskRoleArn=ROLE, taskDefinition="web", revision=number)
    return {**content, "kind": "TaskDefinitionRevision", "metadata": {"name": f"web-{number}"}}


def test_secrets_are_for_those_who_could_use_them_anyway(guarded: Lab) -> None:
    secret = {"name": "web", "image": "web:1", "secrets": [{"name": "A", "valueFrom": "secret:db/password"}]}
    login = {"name": "web", "image": "web:1", "repositoryCredentials": {"credentialsParameter": "secret:registry"}}
    far = {"name": "web", "image": "web:1", "secrets": [{"name": "A", "valueFrom": "/shop/password"}]}
    for container in (secret, login):
        refused = apply(guarded, "bob", "secretive", containerDefinitions=[container])
        assert "bob may not use Secrets of the namespace shop" in refused
        assert apply(guarded, "alice", "of-alice", containerDefinitions=[container]) == ""
    assert apply(guarded, "bob", "far", containerDefinitions=[far]) == ""


def test_a_revision_written_by_hand_is_no_way_round(guarded: Lab) -> None:
    assert "bob may not use the role" in put(guarded, "bob", revision(9))
    assert put(guarded, "alice", revision(9)) == ""


def test_the_operator_registers_revisions_with_roles(guarded: Lab) -> None:
    account = guarded.kubeconfig_for_service_account("berth-system", "berth")
    command = ("--kubeconfig", str(account), "apply", "--server-side", "-n", "shop", "-f", "-")
    done = guarded.kubectl(*command, stdin=json.dumps(revision(10)), check=False)
    assert done.stderr == ""
