"""What is kept of a pod: where the task is, what it asks for, whether it is ready, what keeps it from being so.

A record changes only when one of these does. The scheduler's message, which tells the number of nodes and so changes
with each of them, is reduced to what it means.
"""

import re

from berth import names
from berth.plan import hook_pod
from berth.plan.image_digest import digests_of
from berth.plan.outcome import Json
from berth.plan.parts import some
from berth.plan.task_size import size_of
from berth.plan.task_trouble import trouble_of

TEMPLATE_HASH = "pod-template-hash"
LABELS = (names.SERVICE, names.CAPACITY_PROVIDER, names.SLOT, TEMPLATE_HASH)
NOTED = (names.DELETION_COST, names.DEPLOYMENT, names.PROTECT_UNTIL)
APART = "apart"
FOR_A_NODE = "Unschedulable"
CHOSEN = "-1000000"
"""The deletion cost of a task that is about to go, so low that nobody else's choice comes before it."""
FOR_A_VOLUME = "VolumeMissing"
ENDED = frozenset({"Failed", "Succeeded"})
"""Phases of a task that takes no room any more."""

_VOLUME = re.compile(r"persistentvolume|persistent volume|volume node affinity|storageclass|free storage|resourceclaim")


def keep(body: Json) -> Json:
    """The record of one pod."""
    metadata, status = body["metadata"], body.get("status", {})
    kept: Json = {"labels": some(metadata.get("labels", {}), LABELS)}
    kept |= some(metadata, ("creationTimestamp", "deletionTimestamp"))
    if noted := some(metadata.get("annotations", {}), NOTED):
        kept["annotations"] = noted
    if owners := [some(one, ("kind", "name")) for one in metadata.get("ownerReferences", []) if one.get("controller")]:
        kept["ownerReferences"] = owners
    shown = some(status, ("phase", "startTime"))
    shown["conditions"] = [
        _ready(one) if one["type"] == "Ready" else _unscheduled(one)
        for one in status.get("conditions", [])
        if one["type"] == "Ready" or (one["type"] == "PodScheduled" and one["status"] == "False")
    ]
    if trouble := trouble_of(body):
        shown["trouble"] = trouble
    shown |= hook_pod.kept(body)
    if names.FIRST_TASK in (metadata.get("annotations") or {}):
        shown["digests"] = digests_of(status)
    size = size_of(body)
    spec = some(body.get("spec", {}), ("nodeName",)) | {"size": [size.cpu, size.memory]}
    return {"metadata": kept, "spec": spec, "status": shown}


def groups(body: Json) -> tuple[str, ...]:
    """Pods are found by the Service whose tasks they are; those that somebody said something on also by that alone.

    Those of hooks are none of these.
    """
    labels: Json = body["metadata"].get("labels") or {}
    said: Json = body["metadata"].get("annotations") or {}
    service = str(labels.get(names.SERVICE, ""))
    noted = bool(service) and (names.PROTECT_UNTIL in said or said.get(names.DELETION_COST) == CHOSEN)
    return (service, *((apart(service),) if noted else ()), *hook_pod.groups(labels))


def apart(service: str) -> str:
    """The group of a Service's tasks that are protected or marked: empty at rest, so nobody is woken by the others."""
    return f"{service}/{APART}"


def _ready(condition: Json) -> Json:
    return some(condition, ("type", "status", "lastTransitionTime"))


def _unscheduled(condition: Json) -> Json:
    """Want of a node is one thing; a missing volume is another, which no other node would cure."""
    kept = some(condition, ("type", "status", "reason", "lastTransitionTime"))
    message = str(condition.get("message", "")).lower()
    if kept.get("reason") == FOR_A_NODE and _VOLUME.search(message) and "insufficient" not in message:
        kept["reason"] = FOR_A_VOLUME
    return kept
