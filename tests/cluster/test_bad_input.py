"""Bad input never gets past the API server: a sentence names the field and the rule, and nothing is stored."""

import json
from typing import Any

import pytest

from support.cluster import Cluster

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
LONG = "a" * 53
REVISION = {"taskDefinition": "web", "revision": 1, "containerDefinitions": [{"name": "web", "image": "nginx:1"}]}


def manifest(kind: str, spec: Json, name: str = "web") -> Json:
    return {"apiVersion": "berth.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def service(name: str = "web", **spec: Any) -> Json:
    return manifest("Service", {"taskDefinition": "web", **spec}, name)


def task_definition(name: str = "web", **spec: Any) -> Json:
    container = {"name": "web", "image": "nginx:1", **spec.pop("container", {})}
    return manifest("TaskDefinition", {"containerDefinitions": [container], **spec}, name)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        pytest.param(
            service(desiredCount="many"),
            'spec.desiredCount: Invalid value: "string": spec.desiredCount in body must be of type integer',
            id="a wrong type",
        ),
        pytest.param(
            service(capacityProviderStrategy=[{"capacityProvider": "fargate", "weight": 1001}]),
            "spec.capacityProviderStrategy[0].weight in body should be less than or equal to 1000",
            id="a weight above 1000",
        ),
        pytest.param(
            service(capacityProviderStrategy=[{"capacityProvider": "fargate", "weight": -1}]),
            "spec.capacityProviderStrategy[0].weight in body should be greater than or equal to 0",
            id="a weight below 0",
        ),
        pytest.param(
            service(
                capacityProviderStrategy=[
                    {"capacityProvider": "fargate", "base": 1, "weight": 1},
                    {"capacityProvider": "ec2", "base": 1, "weight": 1},
                ]
            ),
            "capacityProviderStrategy: only one capacity provider may have a base",
            id="two bases",
        ),
        pytest.param(
            service(launchType="EC2", capacityProviderStrategy=[{"capacityProvider": "fargate", "weight": 1}]),
            "launchType and capacityProviderStrategy exclude each other",
            id="a launchType beside a strategy",
        ),
        pytest.param(service(desiredCuont=3), 'unknown field "spec.desiredCuont"', id="an unknown field"),
        pytest.param(
            manifest("Service", {"desiredCount": 1}), "spec.taskDefinition: Required value", id="nothing to run"
        ),
        pytest.param(
            task_definition(requiresCompatibilities=["FARGATE"], cpu=256, memory=4096),
            "cpu and memory are not a Fargate size; sizes are 256 with 512, 1024 or 2048",
            id="an invalid Fargate size",
        ),
        pytest.param(
            task_definition(requiresCompatibilities=["FARGATE"], cpu=256),
            "cpu and memory are required with FARGATE in requiresCompatibilities",
            id="Fargate without a size",
        ),
        pytest.param(
            task_definition(cpu="half"), 'spec.cpu: Invalid value: "half": spec.cpu in body should match', id="no size"
        ),
        pytest.param(task_definition(memory=-1), "spec.memory in body should be greater than or equal to 1", id="-1"),
        pytest.param(
            task_definition(container={"portMappings": [{"containerPort": 80, "hostPort": 8080}]}),
            "hostPort must be left out or equal containerPort",
            id="another host port",
        ),
        pytest.param(
            service(LONG), "metadata.name: Invalid value: metadata.name must have at most 52", id="a long name"
        ),
        pytest.param(service("1web"), "starting with a letter", id="a name that no DNS label may have"),
        pytest.param(task_definition(LONG), "metadata.name must have at most 52", id="a task definition's long name"),
    ],
)
def test_refused_with_a_sentence(cluster: Cluster, namespace: str, bad: Json, sentence: str) -> None:
    said = cluster.refused(bad, namespace)
    assert sentence in said
    assert "evaluating rule" not in said, "a rule that fails by itself explains nothing"


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (manifest("CapacityProvider", {"type": "SPOT"}), 'spec.type: Unsupported value: "SPOT"'),
        (manifest("CapacityProvider", {"type": "EC2"}, "a" * 64), "metadata.name must have at most 63 characters"),
        (
            manifest("CapacityProvider", {"type": "EC2", "nodes": {"tolerations": [{"operator": "Equal"}]}}),
            "spec.nodes.tolerations[0]: Invalid value: key is required unless operator is Exists",
        ),
    ],
    ids=["an unknown type", "a long name", "a toleration of nothing"],
)
def test_a_provider_is_refused_with_a_sentence(cluster: Cluster, bad: Json, sentence: str) -> None:
    assert sentence in cluster.refused(bad)


def test_an_edit_that_is_refused_leaves_the_object_as_it_was(cluster: Cluster, namespace: str) -> None:
    cluster.apply(service(desiredCount=2), namespace=namespace)
    before = _written(cluster, "ecssvc", "web", namespace)
    edit = cluster.kubectl(
        "patch", "ecssvc", "web", "-n", namespace, "--type=merge", "-p", '{"spec":{"desiredCount":5001}}', check=False
    )
    assert "spec.desiredCount in body should be less than or equal to 5000" in edit.stderr
    assert _written(cluster, "ecssvc", "web", namespace) == before


def _written(cluster: Cluster, kind: str, name: str, namespace: str) -> Json:
    """What its user wrote: an operator that runs for other tests gives it a status."""
    found = cluster.get(kind, name, namespace)
    assert found is not None
    return {"spec": found["spec"], **{key: found["metadata"][key] for key in ("generation", "uid")}}


def test_a_revision_is_immutable(cluster: Cluster, namespace: str) -> None:
    revision = manifest("TaskDefinitionRevision", REVISION, "web-1")
    cluster.apply(revision, namespace=namespace)
    before = _written(cluster, "tdrev", "web-1", namespace)
    changed = {**REVISION, "containerDefinitions": [{"name": "web", "image": "nginx:2"}]}
    with pytest.raises(AssertionError, match="a revision is immutable: change the TaskDefinition"):
        cluster.apply(manifest("TaskDefinitionRevision", changed, "web-1"), namespace=namespace)
    assert _written(cluster, "tdrev", "web-1", namespace) == before
    cluster.apply(revision, namespace=namespace)


def test_what_nobody_has_seen_yet_is_not_taken_for_current(cluster: Cluster, namespace: str) -> None:
    """The status that tools read before the operator's first word; nobody runs it for this one."""
    done = cluster.kubectl(
        "create", "--dry-run=server", "-o", "json", "-f", "-", "-n", namespace, stdin=json.dumps(service())
    )
    assert '"observedGeneration": -1' in done.stdout
