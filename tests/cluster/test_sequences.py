"""The golden sequences of deployments, run by real controllers to the ends that the simulation came to."""

from collections import Counter
from typing import Any

import pytest

from berth import names
from support.cluster import Cluster
from support.deployment_sequences import PAIRS, SEQUENCES, THREE, Sequence, bounds, spec_of
from support.healthy import Healthy
from support.manifests import service, task_definition
from support.tasks import pods, wait_ready
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator", "providers")

Json = dict[str, Any]
LARGE = [(desired, percents) for desired, percents, moves in PAIRS if moves and desired >= 5]
"""tests/cluster/test_turns.py has the small ones."""
FAILS = "shop/web:fails-"
"""Simulated containers of such an image end as soon as they start."""


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda one: one.name)
def test_a_sequence_ends_as_simulated(cluster: Cluster, namespace: str, sequence: Sequence) -> None:
    cluster.apply(_checked("shop/web:1"), service(**sequence.spec), namespace=namespace)
    wait_ready(cluster, namespace)
    split = _split(cluster, namespace)
    with Healthy(cluster, namespace) as healthy:
        for number, release in enumerate(sequence.releases, 2):
            image = f"{FAILS if release.fails else 'shop/web:'}{number}"
            cluster.apply(_checked(image), namespace=namespace)
            if release.end:
                # After a rollback the next one begins as it ends: its own entry tells the two apart.
                eventually(lambda one=(number, release.end): _ended(cluster, namespace, *one), 240, release.end)
            else:
                eventually(lambda n=number: f"{n}: 0/" in _shown(cluster, namespace), what="its tasks are tried")
        _within(healthy, sequence.desired, sequence.percents)
    assert _deployments(cluster, namespace) == sequence.shown
    assert _split(cluster, namespace) == split


@pytest.mark.parametrize(("desired", "percents"), LARGE)
def test_a_pair_holds_over_three_providers(
    cluster: Cluster, namespace: str, desired: int, percents: tuple[int, int]
) -> None:
    cluster.apply(task_definition(), service(**spec_of(desired, percents, THREE)), namespace=namespace)
    wait_ready(cluster, namespace)
    with Healthy(cluster, namespace) as healthy:
        cluster.apply(task_definition(image="shop/web:2"), namespace=namespace)
        end = f"2: {desired}/{desired} SteadyState"
        eventually(lambda: _shown(cluster, namespace) == end, 240, end)
        _within(healthy, desired, percents)


def _ended(cluster: Cluster, namespace: str, number: int, end: str) -> bool:
    known = {name for name, _ in _deployments(cluster, namespace)}
    return f"web-deployment-{number}" in known and _shown(cluster, namespace) == end


def _checked(image: str) -> Json:
    """With a health check: the operator of these tests takes each task without one for healthy at once."""
    body = task_definition(image=image)
    body["spec"]["containerDefinitions"][0]["healthCheck"] = {"command": ["CMD-SHELL", "true"]}
    return body


def _within(healthy: Healthy, desired: int, percents: tuple[int, int]) -> None:
    least, most = bounds(desired, percents)
    assert least <= healthy.least
    assert healthy.most <= most


def _shown(cluster: Cluster, namespace: str) -> str:
    """As the simulation shows it: healthy of all tasks of each deployment, and why the Service is as it is."""
    there, ready = Counter[int](), Counter[int]()
    for pod in pods(cluster, namespace):
        number = int(pod["metadata"]["annotations"][names.DEPLOYMENT].rpartition("-")[2])
        there[number] += 1
        ready[number] += any(one["type"] == "Ready" and one["status"] == "True" for one in _conditions(pod))
    counts = [f"{number}: {ready[number]}/{there[number]}" for number in sorted(there)]
    return f"{', '.join(counts)} {cluster.condition('ecssvc', 'web', namespace).get('reason')}"


def _conditions(pod: Json) -> list[Json]:
    return list(pod["status"].get("conditions", ()))


def _deployments(cluster: Cluster, namespace: str) -> tuple[tuple[str, str], ...]:
    found = cluster.get("ecssvc", "web", namespace)
    assert found is not None
    return tuple((one["id"], one["rolloutState"]) for one in found["status"]["deployments"])


def _split(cluster: Cluster, namespace: str) -> Counter[str]:
    return Counter(pod["metadata"]["labels"].get(names.CAPACITY_PROVIDER, "") for pod in pods(cluster, namespace))
