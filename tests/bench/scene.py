"""What the benchmark works on: an API server where nobody else works, namespaces, providers, and N Services."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from bench.client import APPLY, Client, Json, Write, create, merge, side_by_side
from berth.lab import Lab, LabOptions
from berth.resources import (
    AUTOSCALER,
    CAPACITY_PROVIDER,
    CONTROLLER_REVISION,
    CORE_SERVICE,
    DEPLOYMENT,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    TASK_DEFINITION,
    Resource,
)
from support.cluster import Cluster, prepared
from support.manifests import capacity_provider, service, strategy, target_tracking, task_definition

OPERATOR, FLOOR, PEOPLE = "operator", "floor", "people"
PROVIDERS = ("fargate", "fargate-spot")
CHILDREN = (CONTROLLER_REVISION, DEPLOYMENT, CORE_SERVICE, AUTOSCALER, POD_DISRUPTION_BUDGET)
SYSTEM = "berth-system"
_NAMESPACES = 20
_BINDING = Resource("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False)
_NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)


def namespaces() -> list[str]:
    return [f"bench-{number:02}" for number in range(_NAMESPACES)]


@contextmanager
def quiet_lab(name: str) -> Generator[Lab]:
    """A control plane without controllers and nodes: every request is the operator's, the floor's or ours."""
    options = LabOptions(users=(OPERATOR, FLOOR, PEOPLE))
    with Lab(name, nodes="none", tie_to_parent=True, options=options) as lab:
        prepared(Cluster(lab.kubeconfig, lab))
        for component in ("kube-controller-manager", "kube-scheduler"):
            lab.stop(component)
        yield lab


async def furnish(lab: Lab, client: Client) -> None:
    """Rights, namespaces, two providers and a task definition in each namespace."""
    await allow(lab, client, (OPERATOR, FLOOR, PEOPLE), (SYSTEM, *namespaces()))
    for name in PROVIDERS:
        await client.send(create(CAPACITY_PROVIDER.path(), capacity_provider(name)))
    for name in namespaces():
        await client.send(create(TASK_DEFINITION.path(name), task_definition()))


async def allow(lab: Lab, client: Client, users: Iterable[str], places: Iterable[str]) -> None:
    """All rights for these users, and these namespaces."""
    for user in users:
        lab.api.create(_BINDING.path(), _admin(user))
    for name in places:
        await client.send(create(_NAMESPACE.path(), {"metadata": {"name": name}}))


async def second_revision(client: Client) -> None:
    """Another port and image for each task definition; Services that name web:1 stay where they are."""
    body = task_definition(image="shop/web:2")
    body["spec"]["containerDefinitions"][0]["portMappings"][0]["containerPort"] = 8081
    for name in namespaces():
        path = f"{TASK_DEFINITION.path(name, 'web')}?fieldManager=people&force=true"
        await client.send(Write("PATCH", path, orjson.dumps(body), APPLY))


def services(count: int) -> Iterator[tuple[str, Json]]:
    """Each with two providers, a port and an autoscaler."""
    places = namespaces()
    for number in range(count):
        yield places[number % len(places)], service(f"shop-{number:05}", **wish(web=1, most=10))


def wish(web: int, most: int) -> Json:
    """A Service's spec; another revision and another maximum change each of its children."""
    return {
        "taskDefinition": f"web:{web}",
        "desiredCount": 4,
        "capacityProviderStrategy": strategy(fargate=(1, 1), fargate_spot=(0, 1)),
        "autoScaling": {"minCapacity": 2, "maxCapacity": most, "policies": [target_tracking("CPU", 60)]},
    }


async def make_services(client: Client, count: int) -> None:
    async def make(one: tuple[str, Json]) -> None:
        await client.send(create(SERVICE.path(one[0]), one[1]))

    await side_by_side(services(count), make)


async def ten_tasks(client: Client, count: int) -> None:
    """Each Service asks for ten tasks."""

    async def ask(one: tuple[str, Json]) -> None:
        name = one[1]["metadata"]["name"]
        await client.send(merge(SERVICE.path(one[0], name), {"spec": {"desiredCount": 10}}))

    await side_by_side(services(count), ask)


async def lose_spot(client: Client) -> None:
    """The platform team takes the spot pool away."""
    await client.send(Write("DELETE", CAPACITY_PROVIDER.path("", PROVIDERS[1])))


async def clear(client: Client) -> None:
    """Remove all Services and children: nobody collects garbage here."""
    paths = [kind.path(name) for name in namespaces() for kind in (SERVICE, *CHILDREN)]

    async def remove(path: str) -> None:
        await client.send(Write("DELETE", path))

    await side_by_side(paths, remove)


def kubeconfig(lab: Lab) -> Path:
    return lab.kubeconfig_for(OPERATOR)


def _admin(user: str) -> Json:
    return {
        "metadata": {"name": f"bench-{user}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }
