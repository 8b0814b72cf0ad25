"""What users do while things go wrong: steps, each of them followed by a wait until it took effect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from berth.engine.key import Key
from berth.names import DELETION_COST, REBALANCE
from berth.plan.outcome import Json
from berth.resources import (
    AUTOSCALER,
    CAPACITY_PROVIDER,
    CORE_SERVICE,
    DEPLOYMENT,
    NODE,
    POD,
    SERVICE,
    TASK_DEFINITION,
    TASK_DEFINITION_REVISION,
    Resource,
)
from berth.settings import Settings
from faults.conditions import Until, both, gone, owner_is_new, ready, says, there
from faults.http import RESOURCES
from faults.server import Server
from faults.tasks import Tasks
from faults.writes import NAMESPACE, Writer
from support.manifests import POOL, capacity_provider, service, strategy, target_tracking, task_definition

PLACE = "shop"
_BY_KIND = {(one.api_version, one.kind): one for one in RESOURCES}


class User:
    """A person with kubectl."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._writer = Writer(server, "user")

    def apply(self, *bodies: Json) -> None:
        for body in bodies:
            resource = _BY_KIND[body["apiVersion"], body["kind"]]
            copy: Json = orjson.loads(orjson.dumps(body))
            self._writer.apply(_key(resource, body["metadata"]["name"]), copy, "kubectl", force=True)

    def delete(self, resource: Resource, name: str, policy: str = "Background") -> None:
        self._writer.delete(_key(resource, name), {"propagationPolicy": policy})

    def edit(self, resource: Resource, name: str, patch: Json) -> None:
        self._writer.merge(_key(resource, name), patch, "kubectl-edit")

    def scale(self, name: str, count: int) -> None:
        self.edit(SERVICE, name, {"spec": {"desiredCount": count}})


Do = Callable[[User], None]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    do: Do
    until: Until


@dataclass(frozen=True, slots=True)
class Workload:
    name: str
    steps: tuple[Step, ...]
    settings: tuple[tuple[str, Any], ...] = ()
    stuck: tuple[str, ...] = ()
    """Images whose pods never get ready."""


def _key(resource: Resource, name: str) -> Key:
    return Key(resource, PLACE if resource.namespaced else "", name)


def platform(server: Server) -> None:
    """The namespace, the nodes and the providers that every workload finds."""
    writer = Writer(server, "admin")
    for name in (PLACE, Settings().operator_namespace):
        place: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"finalizers": ["kubernetes"]}}
        server.commit(Key(NAMESPACE, "", name), place, {}, "admin")
    for number, pool in enumerate(("fargate", "fargate", "fargate-spot", "ec2")):
        node: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"labels": {POOL: pool}}, "spec": {}}
        node["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
        writer.create(Key(NODE, "", f"node-{number}"), node, "admin")
    for body in (capacity_provider("fargate"), capacity_provider("fargate-spot", spot=True)):
        writer.apply(Key(CAPACITY_PROVIDER, "", body["metadata"]["name"]), body, "kubectl", force=True)


# The workloads.

MIX = strategy(fargate=(1, 1), fargate_spot=(0, 3))
SCALING = {"minCapacity": 2, "maxCapacity": 8, "policies": [target_tracking("CPU", 60)]}


def web(name: str = "web", **spec: Any) -> Json:
    return service(name, **{"desiredCount": 4, "capacityProviderStrategy": MIX, **spec})


CREATE = Step("create", lambda user: user.apply(task_definition(), web(autoScaling=SCALING)), ready())


def _no_ports() -> Json:
    body = task_definition(image="shop/web:2")
    del body["spec"]["containerDefinitions"][0]["portMappings"]
    return body


def _recreate(user: User) -> None:
    user.delete(SERVICE, "web")
    user.apply(web(desiredCount=3))


def _again(user: User) -> None:
    user.apply(task_definition(image="shop/web:3"))


def _rebalance(user: User) -> None:
    for name in ("web", "api"):
        user.edit(SERVICE, name, {"metadata": {"annotations": {REBALANCE: "now"}}})


def _rebalanced(name: str) -> Until:
    return lambda server: (server.get(SERVICE, name) or {}).get("status", {}).get("rebalanced") == "now"


def _left(node: str) -> Until:
    """No task is there any more, and no mark stands."""

    def look(server: Server) -> bool:
        tasks = [one.body for one in server.of_kind(POD)]
        marked = any(DELETION_COST in one["metadata"].get("annotations", {}) for one in tasks)
        return bool(tasks) and not marked and all(one["spec"]["nodeName"] != node for one in tasks)

    return look


def _with_tasks(user: User) -> None:
    """From here on there are pods on nodes, and not only counts of them."""
    Tasks(user.server)
    user.apply(task_definition(), web(autoScaling=SCALING))


def _cordon(user: User) -> None:
    user.edit(NODE, "node-2", {"spec": {"unschedulable": True}})


def _uncordon(user: User) -> None:
    user.edit(NODE, "node-2", {"spec": {"unschedulable": None}})


UPDATE = Step("update", lambda user: user.apply(task_definition(image="shop/web:2")), ready(revision="web:2"))

WORKLOADS: tuple[Workload, ...] = (
    Workload("create", (CREATE,)),
    Workload("update", (CREATE, UPDATE, Step("again", _again, ready(revision="web:3")))),
    Workload(
        "scale",
        (
            CREATE,
            Step("out", lambda user: user.scale("web", 7), ready()),
            Step("in", lambda user: user.scale("web", 1), ready()),
        ),
    ),
    Workload(
        "recreate",
        (
            CREATE,
            Step(
                "recreate",
                _recreate,
                both(ready(), gone(AUTOSCALER, "web"), owner_is_new(DEPLOYMENT, "web-fargate")),
            ),
        ),
    ),
    Workload(
        "shared",
        (
            Step("create", lambda user: user.apply(task_definition(), web(), web("api")), both(ready(), ready("api"))),
            Step("scale one", lambda user: user.scale("api", 6), ready("api")),
            Step(
                "provider goes",
                lambda user: user.delete(CAPACITY_PROVIDER, "fargate-spot"),
                both(
                    says("web", "CapacityProviderNotFound"),
                    says("api", "CapacityProviderNotFound"),
                    gone(DEPLOYMENT, "web-fargate-spot", "api-fargate-spot"),
                ),
            ),
            Step(
                "provider returns",
                lambda user: user.apply(capacity_provider("fargate-spot", spot=True)),
                both(ready(), ready("api")),
            ),
            Step("rebalance", _rebalance, both(ready(), ready("api"), _rebalanced("web"), _rebalanced("api"))),
            Step(
                "one goes",
                lambda user: user.delete(SERVICE, "api"),
                gone(DEPLOYMENT, "api-fargate", "api-fargate-spot"),
            ),
        ),
    ),
    Workload(
        "prune",
        (
            CREATE,
            Step("no scaling", lambda user: user.apply(web()), both(ready(), gone(AUTOSCALER, "web"))),
            Step(
                "no ports",
                lambda user: user.apply(_no_ports()),
                both(ready(revision="web:2"), gone(CORE_SERVICE, "web")),
            ),
            Step("scaling", lambda user: user.apply(web(autoScaling=SCALING)), both(ready(), there(AUTOSCALER, "web"))),
        ),
    ),
    Workload(
        "leave",
        (
            CREATE,
            Step(
                "leave",
                lambda user: user.apply(web(capacityProviderStrategy=strategy(fargate=(0, 1)), autoScaling=SCALING)),
                both(ready(), gone(DEPLOYMENT, "web-fargate-spot")),
            ),
            Step(
                "return",
                lambda user: user.apply(web(autoScaling=SCALING)),
                both(ready(), there(DEPLOYMENT, "web-fargate-spot")),
            ),
        ),
    ),
    Workload(
        "revert",
        (
            Step("a", lambda user: user.apply(task_definition(image="a"), web()), ready(revision="web:1")),
            Step("b", lambda user: user.apply(task_definition(image="b")), ready(revision="web:2")),
            Step("a again", lambda user: user.apply(task_definition(image="a")), ready(revision="web:3")),
            Step("pin", lambda user: user.apply(web(taskDefinition="web:2")), ready(revision="web:2")),
        ),
    ),
    Workload(
        "heal",
        (
            Step("nothing there", lambda user: user.apply(web()), says("web", "TaskDefinitionNotFound")),
            Step("definition", lambda user: user.apply(task_definition()), ready()),
            Step(
                "deregister",
                lambda user: user.delete(TASK_DEFINITION, "web"),
                lambda server: (
                    (server.get(TASK_DEFINITION_REVISION, "web-1") or {}).get("status", {}).get("status") == "INACTIVE"
                ),
            ),
            Step("still scales", lambda user: user.scale("web", 6), ready()),
        ),
    ),
    Workload(
        "drift",
        (
            CREATE,
            Step(
                "edit",
                lambda user: user.edit(DEPLOYMENT, "web-fargate", {"spec": {"replicas": 9}}),
                lambda server: (server.get(DEPLOYMENT, "web-fargate") or {})["spec"]["replicas"] != 9,
            ),
            Step(
                "child deleted",
                lambda user: user.delete(CORE_SERVICE, "web"),
                both(there(CORE_SERVICE, "web"), ready()),
            ),
            Step(
                "tasks deleted",
                lambda user: user.delete(DEPLOYMENT, "web-fargate-spot"),
                both(there(DEPLOYMENT, "web-fargate-spot"), ready()),
            ),
        ),
    ),
    Workload(
        "drain",
        (
            Step("create", _with_tasks, ready()),
            Step("cordon", _cordon, both(_left("node-2"), ready())),
            Step("uncordon", _uncordon, ready()),
            Step("out", lambda user: user.scale("web", 7), ready()),
            Step("cordon again", _cordon, both(_left("node-2"), ready())),
        ),
    ),
    Workload(
        "delete",
        (
            CREATE,
            Step(
                "delete",
                lambda user: user.delete(SERVICE, "web", "Foreground"),
                both(gone(SERVICE, "web"), gone(DEPLOYMENT, "web-fargate", "web-fargate-spot")),
            ),
        ),
    ),
    Workload(
        "namespace",
        (
            CREATE,
            Step(
                "namespace goes",
                lambda user: user.delete(NAMESPACE, PLACE),
                lambda server: not any(key.namespace == PLACE for key in server.objects),
            ),
        ),
    ),
)
