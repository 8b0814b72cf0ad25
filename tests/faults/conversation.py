"""One conversation with an API server, held with the fake and with a real one: the same requests, the same answers."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from berth.engine.api import APPLY, MERGE, METADATA_LIST, Answer, Request
from berth.plan.outcome import Json
from berth.resources import (
    AUTOSCALER,
    CONTROLLER_REVISION,
    CORE_SERVICE,
    DEPLOYMENT,
    SERVICE,
    TASK_DEFINITION_REVISION,
    Resource,
)
from faults.values import is_map
from support.manifests import service, strategy, target_tracking

Send = Callable[[Request], Awaitable[Answer]]
Said = list[tuple[str, Any]]
"""What was asked, and what was answered, without what no two servers have alike."""

PLACE = "talk"
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|uid-\d+")
_OWN = {"labels": {"app.kubernetes.io/managed-by": "berth"}}


class Talk:
    """Asks, and notes what is answered."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.said: Said = []

    async def ask(self, what: str, request: Request) -> Json:
        answer = await self._send(request)
        body: Json = orjson.loads(answer.body)
        self.said.append((what, {"code": answer.code, **_normal(body)}))
        return body

    async def apply(self, what: str, resource: Resource, name: str, body: Json, **terms: Any) -> Json:
        manager, force = terms.pop("manager", "berth"), terms.pop("force", True)
        metadata: Json = {**(body.get("metadata") or {}), "name": name, "namespace": PLACE, **terms}
        whole: Json = {**body, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        return await self.ask(what, Request("PATCH", resource.path(PLACE, name), orjson.dumps(whole), query, APPLY))

    async def merge(self, what: str, resource: Resource, name: str, body: Json) -> Json:
        path, _, sub = name.partition("/")
        path = resource.path(PLACE, path) + (f"/{sub}" if sub else "")
        return await self.ask(what, Request("PATCH", path, orjson.dumps(body), {"fieldManager": "berth"}, MERGE))

    async def get(self, what: str, resource: Resource, name: str) -> Json:
        return await self.ask(what, Request("GET", resource.path(PLACE, name)))

    async def delete(self, what: str, resource: Resource, name: str, options: Json) -> Json:
        return await self.ask(what, Request("DELETE", resource.path(PLACE, name), orjson.dumps(options)))

    async def list(self, what: str, resource: Resource, query: Json, accept: str = "application/json") -> Json:
        request = Request("GET", resource.path(PLACE), query=query, accept=accept)
        answer = await self._send(request)
        body: Json = orjson.loads(answer.body)
        names = [one["metadata"]["name"] for one in body.get("items", [])]
        parts = sorted({key for one in body.get("items", []) for key in one})
        more = bool(body.get("metadata", {}).get("continue"))
        self.said.append((what, {"code": answer.code, "names": names, "parts": parts, "more": more}))
        return body


def _normal(body: Json) -> Json:
    """Codes, reasons, what we applied, and who owns what."""
    if body.get("kind") == "Status":
        details: Json = body.get("details") or {}
        causes: list[Json] = details.get("causes") or []
        found = [one.get("reason") for one in causes]
        kept = [one for one in found if one == "NamespaceTerminating"]
        return {"status": body.get("status"), "reason": body.get("reason"), **({"causes": kept} if kept else {})}
    metadata = body["metadata"]
    owners = {
        one["manager"]: one["fieldsV1"]
        for one in metadata.get("managedFields", [])
        if one["operation"] == "Apply" and "subresource" not in one
    }
    text = _UID.sub("UID", orjson.dumps([owners, body.get("spec"), body.get("data")]).decode())
    owned, spec, data = orjson.loads(text)
    return {
        "owners": owned,
        "data": data,
        "labels": metadata.get("labels"),
        "deleting": "deletionTimestamp" in metadata,
        "finalizers": metadata.get("finalizers", []),
        "generation": metadata.get("generation"),
        "applied": _projected(spec, owned),
    }


def _projected(spec: Any, owners: Json) -> Any:
    """The part of the spec that appliers own: defaults beside it are the real server's own affair."""
    from berth.engine.fingerprint import _project  # noqa: PLC0415  # exactly the engine's own way

    return {
        name: _project({"spec": spec}, {"f:spec": fields.get("f:spec")})
        for name, fields in owners.items()
        if "f:spec" in fields
    }


def _version(body: Json) -> str:
    return str(body["metadata"]["resourceVersion"])


def web(**spec: Any) -> Json:
    return {"spec": service("talk", desiredCount=2, capacityProviderStrategy=strategy(fargate=(1, 1)), **spec)["spec"]}


def deployment(image: str = "a", **spec: Any) -> Json:
    container = {
        "name": "web",
        "image": image,
        "env": [{"name": "A", "value": "1"}],
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "resources": {"limits": {"memory": "64Mi"}},
    }
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container], "nodeSelector": {"a": "b"}}}
    whole = {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "template": template, **spec}
    return {"metadata": _OWN, "spec": whole}


async def applying(talk: Talk) -> None:
    """Creation that matches nothing, conflicts, force, removal, and applies that change nothing."""
    await talk.apply("create only", DEPLOYMENT, "web", deployment(), resourceVersion="1", force=False)
    await talk.apply("create only again", DEPLOYMENT, "web", deployment(), resourceVersion="1", force=False)
    await talk.apply("apply again", DEPLOYMENT, "web", deployment())
    await talk.apply("another's field", DEPLOYMENT, "web", deployment("b"), manager="other", force=False)
    await talk.apply("by force", DEPLOYMENT, "web", deployment("b"), manager="other")
    await talk.apply("taken back", DEPLOYMENT, "web", deployment("c", revisionHistoryLimit=3))
    await talk.apply("a field less", DEPLOYMENT, "web", deployment("c"))
    await talk.apply("another's uid", DEPLOYMENT, "web", deployment(), uid="00000000-0000-0000-0000-000000000000")
    await talk.apply("nobody's uid", DEPLOYMENT, "new", deployment(), uid="00000000-0000-0000-0000-000000000000")
    await talk.apply("a version of nothing", DEPLOYMENT, "made", deployment(), resourceVersion="1", force=False)
    await talk.merge("somebody edits", DEPLOYMENT, "web", {"spec": {"replicas": 5}})


async def shapes(talk: Talk) -> None:
    """Every kind that is written, with lists that merge by key and lists that do not."""
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80}]
    address: Json = {"metadata": _OWN, "spec": {"selector": {"a": "b"}, "ports": ports}}
    first = await talk.apply("an address", CORE_SERVICE, "web", address, resourceVersion="1", force=False)
    again = await talk.apply("the same address", CORE_SERVICE, "web", address)
    talk.said.append(("an apply of the same is no write", _version(first) == _version(again)))
    other: Json = {**address, "metadata": {"labels": {**_OWN["labels"], "more": "x"}}}
    this = {"uid": again["metadata"]["uid"], "resourceVersion": _version(again)}
    await talk.apply("this very version", CORE_SERVICE, "web", other, **this)
    await talk.apply("an older version", CORE_SERVICE, "web", address, **this)
    ports = [*ports, {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}]
    await talk.apply("a port more", CORE_SERVICE, "web", {**address, "spec": {"selector": {"a": "c"}, "ports": ports}})
    await talk.apply(
        "a port less", CORE_SERVICE, "web", {**address, "spec": {"selector": {"a": "c"}, "ports": ports[1:]}}
    )
    data: Json = {
        "template": {"spec": {"x": [1, {"y": 2}]}},
        "inputs": {"taskDefinition": "web:1"},
        "ports": [],
        "none": {},
    }
    await talk.apply("a record", CONTROLLER_REVISION, "web-1", {"metadata": _OWN, "data": data, "revision": 1})
    target = {"type": "Utilization", "averageUtilization": 60}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    reference = {"apiVersion": "berth.dev/v1alpha1", "kind": "Service", "name": "x"}
    scaling = {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 3, "metrics": metrics}
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 300}, "scaleUp": {"stabilizationWindowSeconds": 60}}
    await talk.apply("an autoscaler", AUTOSCALER, "web", {"metadata": _OWN, "spec": {**scaling, "behavior": behavior}})
    container = {
        "name": "web",
        "image": "a",
        "environment": [],
        "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
    }
    content: Json = {"family": "web", "taskDefinition": "web", "revision": 1, "requiresCompatibilities": []}
    revision: Json = {"metadata": _OWN, "spec": {**content, "containerDefinitions": [container]}}
    await talk.apply("a revision", TASK_DEFINITION_REVISION, "web-1", revision, resourceVersion="1", force=False)


async def statuses(talk: Talk) -> None:
    """Subjects: defaults, generations, and a status that is a resource of its own."""
    scaling = {"minCapacity": 1, "maxCapacity": 3, "policies": [target_tracking("CPU", 60)]}
    made = await talk.apply("a Service", SERVICE, "talk", web(autoScaling=scaling), manager="kubectl")
    where = {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}
    status = {"metadata": where, "status": {"observedGeneration": 1, "runningCount": 2}, "spec": {"desiredCount": 9}}
    after = await talk.merge("its status", SERVICE, "talk/status", status)
    talk.said.append(("spec is left alone", after["spec"]["desiredCount"]))
    await talk.merge("its status from an old version", SERVICE, "talk/status", status)
    wrong = {"metadata": {"uid": "00000000-0000-0000-0000-000000000000"}, "status": {"runningCount": 3}}
    await talk.merge("a status of another life", SERVICE, "talk/status", wrong)
    await talk.merge(
        "status beside spec", SERVICE, "talk", {"spec": {"desiredCount": 4}, "status": {"runningCount": 7}}
    )
    found = await talk.get("counts", SERVICE, "talk")
    talk.said.append(("the status is left alone", found["status"]["runningCount"]))
    await talk.apply("without scaling", SERVICE, "talk", web(), manager="kubectl")
    await talk.merge("null removes", SERVICE, "talk/status", {"status": {"runningCount": None}})
    await talk.merge("of nothing", SERVICE, "nothing/status", {"status": {"runningCount": 1}})
    await talk.get("nothing", SERVICE, "nothing")


async def lists(talk: Talk) -> None:
    """Pages, labels, metadata alone, and an invalid continuation."""
    for number in range(5):
        data: Json = {"metadata": _OWN if number % 2 else {}, "data": {}, "revision": number}
        await talk.apply(f"record {number}", CONTROLLER_REVISION, f"list-{number}", data)
    page = await talk.list("first page", CONTROLLER_REVISION, {"limit": "2"})
    rest = {"limit": "2", "continue": page["metadata"]["continue"]}
    await talk.apply("one more meanwhile", CONTROLLER_REVISION, "list-11", {"data": {}, "revision": 11})
    second = await talk.list("second page", CONTROLLER_REVISION, rest)
    same = page["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    talk.said.append(("pages are of one moment", same))
    await talk.list("last page", CONTROLLER_REVISION, {"limit": "2", "continue": second["metadata"]["continue"]})
    ours = {"labelSelector": "app.kubernetes.io/managed-by=berth"}
    await talk.list("ours", CONTROLLER_REVISION, ours)
    await talk.list("metadata", CONTROLLER_REVISION, {}, METADATA_LIST)
    await talk.list("of ours", SERVICE, {})


async def ends(talk: Talk) -> None:
    """Deletion with preconditions and policies, and garbage that goes after its owner."""
    owner = await talk.apply("an owner", CONTROLLER_REVISION, "owner", {"data": {}, "revision": 1})
    uid = owner["metadata"]["uid"]
    reference = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "name": "owner", "uid": uid, "controller": True}
    child: Json = {
        "metadata": {"ownerReferences": [{**reference, "blockOwnerDeletion": True}]},
        "data": {},
        "revision": 2,
    }
    made = await talk.apply("a child", CONTROLLER_REVISION, "child", child, resourceVersion="1", force=False)
    await talk.delete("not that one", CONTROLLER_REVISION, "child", {"preconditions": {"uid": uid}})
    await talk.delete("not that version", CONTROLLER_REVISION, "child", {"preconditions": {"resourceVersion": "1"}})
    that = {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}
    await talk.delete("that very one", CONTROLLER_REVISION, "child", {"preconditions": that})
    await talk.delete("again", CONTROLLER_REVISION, "child", {})
    await talk.apply("a child again", CONTROLLER_REVISION, "child", child, resourceVersion="1", force=False)
    background = {"propagationPolicy": "Background"}
    await talk.delete("in the background", CONTROLLER_REVISION, "owner", background)
    await gone(talk, CONTROLLER_REVISION, "child")
    await talk.apply("a child of the dead", CONTROLLER_REVISION, "late", child)
    await gone(talk, CONTROLLER_REVISION, "late")


async def gone(talk: Talk, resource: Resource, name: str) -> None:
    """Wait until garbage collection has taken it."""
    path = resource.path(PLACE, name)
    for _ in range(300):
        if (await talk._send(Request("GET", path))).code == 404:
            break
        await asyncio.sleep(0.1)
    await talk.get(f"{name} is gone", resource, name)


PARTS = (applying, shapes, statuses, lists, ends)


async def held(send: Send) -> Said:
    """The whole conversation."""
    talk = Talk(send)
    for part in PARTS:
        await part(talk)
    return talk.said


def differing(these: Said, those: Said) -> list[str]:
    """What two servers answered otherwise."""
    found = [f"{len(these)} answers, and {len(those)}"] if len(these) != len(those) else []
    for (what, first), (_, second) in zip(these, those, strict=False):
        if first != second:
            one, another = (value if is_map(value) else {"": value} for value in (first, second))
            detail = {
                key: (one.get(key), another.get(key)) for key in one | another if one.get(key) != another.get(key)
            }
            found.append(f"{what}: {detail}")
    return found
