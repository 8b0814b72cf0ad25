"""A rolling deployment over two providers, against one plain Deployment of as many tasks with the same surge.

On nodes that KWOK plays, so that all of the time is the control plane's and ours. Both take turns, and the API server
times them: from a person's request to the write that says that all is done.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

import orjson

from bench import scene
from bench.audit import Request, Tail
from bench.client import APPLY, Client, Json, Write, create, merge
from bench.figures import Figure, mean
from bench.process import Process
from berth.lab import Lab, LabOptions
from berth.lab.progress import step
from berth.resources import CAPACITY_PROVIDER, CORE_SERVICE, DEPLOYMENT, SERVICE, TASK_DEFINITION
from support.cluster import Cluster, prepared
from support.manifests import capacity_provider, service, strategy, task_definition

TASKS, SURGE = 50, 12
PERCENTS: Json = {"minimumHealthyPercent": 100, "maximumPercent": 125}
"""Of fifty tasks twelve more, in ECS's rounding."""
REACH = 1.1
AT_ONCE, SLOW = "shop/web:1", "shop/web:slow"
"""The second one's tasks are ready five seconds after their start, ECS's shortest interval of a health check."""
_ROUNDS = 3
_PATIENCE = 180.0
_LOOK_SECONDS = 0.1
_CALM_SECONDS = 2.0
_OURS, _PLAIN = "ours", "plain"


@contextmanager
def busy_lab(name: str) -> Generator[Lab]:
    """A whole cluster, with nodes that KWOK plays."""
    options = LabOptions(users=(scene.OPERATOR, scene.PEOPLE))
    with Lab(name, nodes="kwok:20", tie_to_parent=True, options=options) as lab:
        prepared(Cluster(lab.kubeconfig, lab))
        yield lab


async def rollout(lab: Lab, people: Client, process: Process) -> list[Figure]:
    """Of tasks that need a while to start, and of tasks that are ready at once."""
    await _furnish(lab, people, process)
    figures = [
        await _compared(lab, people, "rollout", SLOW),
        await _compared(lab, people, "rollout of tasks that are ready at once", AT_ONCE),
    ]
    process.stop()
    return figures


async def _compared(lab: Lab, people: Client, figure: str, image: str) -> Figure:
    """The mean of some turns of each; the first of each is not counted."""
    plain: list[float] = []
    ours: list[float] = []
    with step(f"A rolling deployment of {TASKS} tasks ({image}), against a plain Deployment") as report:
        for number in range(_ROUNDS + 1):
            release = f"{image} {number}"
            plain.append(await _plain(lab, people, image, release))
            ours.append(await _ours(lab, people, image, release))
            report(f"plain {plain[-1]:.2f} s, over two providers {ours[-1]:.2f} s")
    more = {"floors": [round(one, 2) for one in plain[1:]], "values": [round(one, 2) for one in ours[1:]]}
    return Figure(figure, mean(ours[1:]), "s", REACH, mean(plain[1:]), {**more, "tasks": TASKS, "surge": SURGE})


async def _furnish(lab: Lab, people: Client, process: Process) -> None:
    """Our Service of fifty, and a Deployment of the very template that it made, each with an address."""
    await scene.allow(lab, people, (scene.OPERATOR, scene.PEOPLE), (scene.SYSTEM, _OURS, _PLAIN))
    for name in scene.PROVIDERS:
        await people.send(create(CAPACITY_PROVIDER.path(), capacity_provider(name)))
    process.start()
    await people.send(create(TASK_DEFINITION.path(_OURS), _task(AT_ONCE, "first")))
    mix = strategy(fargate=(0, 1), fargate_spot=(0, 1))
    wish = service(desiredCount=TASKS, capacityProviderStrategy=mix, deploymentConfiguration=PERCENTS)
    await people.send(create(SERVICE.path(_OURS), wish))
    await _until(people, SERVICE.path(_OURS, "web"), _is_ready)
    for made in _plain_objects(await _got(people, DEPLOYMENT.path(_OURS, "web-fargate"))):
        kind = DEPLOYMENT if made["kind"] == "Deployment" else CORE_SERVICE
        await people.send(create(kind.path(_PLAIN), made))
    await _until(people, DEPLOYMENT.path(_PLAIN, "web"), _is_complete)


def _task(image: str, release: str) -> Json:
    """With a health check of its own: its tasks need not run for a while to count as healthy."""
    body = task_definition(image=image)
    container = body["spec"]["containerDefinitions"][0]
    container["healthCheck"] = {"command": ["CMD-SHELL", "true"], "interval": 5}
    container["environment"] = [{"name": "RELEASE", "value": release}]
    return body


def _plain_objects(ours: Json) -> list[Json]:
    labels = {"app": "web"}
    template = ours["spec"]["template"]
    template["metadata"] = {"labels": labels}
    share = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": SURGE, "maxUnavailable": 0}}
    spec = {"replicas": TASKS, "selector": {"matchLabels": labels}, "strategy": share, "template": template}
    address = {"selector": labels, "ports": [{"port": 8080}]}
    head: Json = {"metadata": {"name": "web"}}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", **head, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", **head, "spec": address},
    ]


async def _plain(lab: Lab, people: Client, image: str, release: str) -> float:
    tail = Tail(lab.audit_log)
    path = DEPLOYMENT.path(_PLAIN, "web")
    template = (await _got(people, path))["spec"]["template"]
    template["spec"]["containers"][0]["image"] = image
    template["metadata"]["annotations"] = {"release": release}
    await people.send(merge(path, {"spec": {"template": template}}))
    await _until(people, path, _is_complete)
    return await _seconds(tail, _PLAIN, "update deployments/status")


async def _ours(lab: Lab, people: Client, image: str, release: str) -> float:
    tail = Tail(lab.audit_log)
    before = (await _got(people, SERVICE.path(_OURS, "web")))["status"]["taskDefinition"]
    path = f"{TASK_DEFINITION.path(_OURS, 'web')}?fieldManager=people&force=true"
    await people.send(Write("PATCH", path, orjson.dumps(_task(image, release)), APPLY))
    await _until(
        people,
        SERVICE.path(_OURS, "web"),
        lambda found: found["status"]["taskDefinition"] != before and _is_ready(found),
    )
    return await _seconds(tail, _OURS, "patch services.berth.dev/status")


async def _seconds(tail: Tail, place: str, last: str) -> float:
    """From a person's first write there to the last one that says how far it is."""
    await asyncio.sleep(_CALM_SECONDS)
    tail.read()
    mine = [one for one in tail.found if one.namespace == place and one.writes]
    begun = min(one.begun for one in mine if _is_a_persons(one))
    return max(one.ended for one in mine if one.kind_of_request == last) - begun


def _is_a_persons(request: Request) -> bool:
    return request.user == scene.PEOPLE


async def _got(people: Client, path: str) -> Json:
    found: Json = orjson.loads(await people.send(Write("GET", path)))
    return found


async def _until(people: Client, path: str, holds: Callable[[Json], bool]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not holds(await _got(people, path)):  # noqa: ASYNC110  # what it waits for is on a server
            await asyncio.sleep(_LOOK_SECONDS)


def _is_ready(found: Json) -> bool:
    conditions: list[Json] = found["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _is_complete(found: Json) -> bool:
    status = found.get("status", {})
    counts = [status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == found["metadata"]["generation"] and counts == [TASKS] * 3
