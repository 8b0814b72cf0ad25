"""How much of each kind of object plans read: the rest is never kept in memory, and its changes wake nobody."""

from berth import names
from berth.plan.draining import SHUTTING_DOWN
from berth.plan.outcome import Json
from berth.plan.parts import some
from berth.plan.registry import ECR
from berth.plan.task_size import size_of

METADATA = ("name", "namespace", "uid", "generation")
FROM_ECR = "images from ECR"
"""No name of a TaskDefinition."""
CONDITION = ("type", "status", "reason", "message")
CLUSTER_PREFIX = "cluster/"
"""No task definition's name begins so."""
DEPLOYMENT_STATUS = ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "unavailableReplicas")

DAEMON_SET_STATUS = {
    "observedGeneration": "observedGeneration",
    "replicas": "currentNumberScheduled",
    "updatedReplicas": "updatedNumberScheduled",
    "readyReplicas": "numberReady",
    "unavailableReplicas": "numberUnavailable",
}


def own(body: Json) -> Json:
    """One of our own kinds: all that a user wrote and that we showed."""
    return {"metadata": _metadata(body), "spec": body.get("spec", {}), "status": body.get("status", {})}


def service(body: Json) -> Json:
    """With the annotations that ask for something."""
    kept = own(body)
    if asked := some(body["metadata"].get("annotations", {}), (names.REBALANCE, names.STOP_DEPLOYMENT)):
        kept["metadata"]["annotations"] = asked
    return kept


def task_definition(body: Json) -> Json:
    """With its age: of two that claim one family the older keeps it."""
    kept = own(body)
    kept["metadata"] |= some(body["metadata"], ("creationTimestamp",))
    return kept


def deployment(body: Json) -> Json:
    status = body.get("status", {})
    kept = {field: status[field] for field in DEPLOYMENT_STATUS if field in status}
    kept["conditions"] = [_condition(one) for one in status.get("conditions", [])]
    metadata = _metadata(body)
    metadata["labels"] = some(body["metadata"].get("labels", {}), (names.CAPACITY_PROVIDER, names.SLOT))
    metadata["annotations"] = some(
        body["metadata"].get("annotations", {}), (names.DEPLOYMENT, names.FALLBACK, names.DETACHED)
    )
    spec = some(body.get("spec", {}), ("replicas", "strategy"))
    size = size_of(body.get("spec", {}).get("template", {}))
    return {"metadata": metadata, "spec": spec, "status": kept, "task": {"cpu": size.cpu, "memory": size.memory}}


def daemon_set(body: Json) -> Json:
    """In the words of a Deployment, so that one status serves both."""
    status: Json = body.get("status", {})
    kept = {mine: status[theirs] for mine, theirs in DAEMON_SET_STATUS.items() if theirs in status}
    metadata = _metadata(body)
    metadata["labels"] = some(body["metadata"].get("labels", {}), (names.CAPACITY_PROVIDER,))
    metadata["annotations"] = some(body["metadata"].get("annotations", {}), (names.DEPLOYMENT,))
    return {
        "metadata": metadata,
        "spec": {"replicas": status.get("desiredNumberScheduled", 0)},
        "status": {**kept, "conditions": []},
    }


def controller_revision(body: Json) -> Json:
    """With its age: what changes after a deployment started is not in it."""
    metadata = _metadata(body) | some(body["metadata"], ("creationTimestamp",))
    return {"metadata": metadata, "data": body.get("data", {}), "revision": body.get("revision", 0)}


def job(body: Json) -> Json:
    """Whether it has ended, and how."""
    conditions = [_condition(one) for one in body.get("status", {}).get("conditions", [])]
    return {"metadata": _metadata(body), "status": {"conditions": conditions}}


def alert(body: Json) -> Json:
    return {"metadata": _metadata(body), **some(body, ("state", "since", "problem"))}


def external_secret(body: Json) -> Json:
    """Whether External Secrets has fetched it, in its own words."""
    conditions = [_condition(one) for one in body.get("status", {}).get("conditions", [])]
    return {"metadata": {"name": body["metadata"]["name"]}, "status": {"conditions": conditions}}


def node(body: Json) -> Json:
    """Labels, taints and readiness; a kubelet's heartbeat changes none of it."""
    metadata = {"name": body["metadata"]["name"], "labels": body["metadata"].get("labels", {})}
    conditions = [_node_condition(one) for one in body.get("status", {}).get("conditions", [])]
    spec = some(body.get("spec", {}), ("unschedulable", "taints"))
    room = some(body.get("status", {}).get("allocatable", {}), ("cpu", "memory"))
    return {"metadata": metadata, "spec": spec, "status": {"conditions": conditions, "allocatable": room}}


def _node_condition(condition: Json) -> Json:
    """Of all that a kubelet says only its shutting down is of interest."""
    kept = some(condition, ("type", "status"))
    return kept | ({"message": SHUTTING_DOWN} if SHUTTING_DOWN in condition.get("message", "") else {})


def pull_secret(body: Json) -> Json:
    """When its tokens expire; what they are is covered before this."""
    metadata = _metadata(body)
    metadata["annotations"] = some(body["metadata"].get("annotations", {}), (names.TOKENS,))
    return {"metadata": metadata}


def token(body: Json) -> Json:
    return {"metadata": _metadata(body), **some(body, ("issued", "expires", "problem"))}


def node_pool(body: Json) -> Json:
    """Whether Karpenter makes nodes of it, and how many there are."""
    status = body.get("status", {})
    shown = some(status, ("nodes",)) | {"conditions": [_condition(one) for one in status.get("conditions", [])]}
    return {"metadata": {"name": body["metadata"]["name"]}, "status": shown}


def route(body: Json) -> Json:
    """Where a route leads, and what each gateway says of it, of this generation or an older one."""
    metadata = _metadata(body)
    parents = [
        {
            "parentRef": some(parent.get("parentRef", {}), ("name", "namespace")),
            "conditions": [some(one, (*CONDITION, "observedGeneration")) for one in parent.get("conditions", [])],
        }
        for parent in body.get("status", {}).get("parents", [])
    ]
    rules = [{"backendRefs": _backends(rule)} for rule in body.get("spec", {}).get("rules") or ()]
    return {"metadata": metadata, "spec": {"rules": rules}, "status": {"parents": parents}}


def core_service(body: Json) -> Json:
    """Whose tasks it leads to."""
    return {"metadata": {"name": body["metadata"]["name"]}, "spec": some(body.get("spec", {}), ("selector",))}


def presence(body: Json) -> Json:
    """An object that is only made and never read back."""
    return {"metadata": {"name": body["metadata"]["name"]}}


def revision_groups(body: Json) -> tuple[str, ...]:
    """Revisions are found by the TaskDefinition that they were registered from, and by where they pull from."""
    spec = body.get("spec", {})
    images = (str(one.get("image", "")) for one in spec.get("containerDefinitions", ()))
    pulls = (FROM_ECR,) if any(map(ECR.fullmatch, images)) else ()
    return (str(spec.get("taskDefinition", "")), *pulls)


def family_groups(body: Json) -> tuple[str, ...]:
    """TaskDefinitions are found by the family that they claim."""
    return (str(body.get("spec", {}).get("family") or body["metadata"]["name"]),)


def service_groups(body: Json) -> tuple[str, ...]:
    """Services are found by what they deploy, as they name it (`web` or `web:7`), and by their Cluster."""
    spec: Json = body.get("spec", {})
    hooks: list[Json] = spec.get("deploymentConfiguration", {}).get("lifecycleHooks") or []
    runs = (str(one.get("taskDefinition", "")) for one in hooks)
    return str(spec.get("taskDefinition", "")), f"{CLUSTER_PREFIX}{spec.get('cluster', 'default')}", *runs


def deployed_groups(body: Json) -> tuple[str, ...]:
    """Deployment records are found by the revision that they run, `web:7`."""
    data: Json = body.get("data") or {}
    inputs: Json = data.get("inputs") or {}
    hooks: list[Json] = data.get("hooks") or []
    return str(inputs.get("taskDefinition", "")), *(str(one["taskDefinition"]) for one in hooks)


def _backends(rule: Json) -> list[Json]:
    return [some(one, ("name", "weight")) for one in rule.get("backendRefs") or ()]


def _metadata(body: Json) -> Json:
    return some(body["metadata"], METADATA)


def _condition(condition: Json) -> Json:
    return some(condition, CONDITION)
