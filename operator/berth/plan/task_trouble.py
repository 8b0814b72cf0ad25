"""What is kept of a pod that has trouble: restarts, what a container waits for in vain, why the whole task failed.

Kinds are named as ECS names them in a task's stoppedReason. A container's own last words are never kept: they may hold
anything. What the runtime or the registry says is kept, without what would let somebody in.
"""

import re
from collections.abc import Iterator

from berth.plan.outcome import Json

PULL, CREATE, START, RESOURCES = (
    "CannotPullContainerError",
    "CannotCreateContainerError",
    "CannotStartContainerError",
    "ResourceInitializationError",
)
FATAL = {
    "ErrImagePull": PULL,
    "ImagePullBackOff": PULL,
    "InvalidImageName": PULL,
    "ErrImageNeverPull": PULL,
    "ImageInspectError": PULL,
    "RegistryUnavailable": PULL,
    "SignatureValidationFailed": PULL,
    "CreateContainerConfigError": RESOURCES,
    "CreateContainerError": CREATE,
}
"""Reasons to wait that no waiting cures."""

LONGEST = 400
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*"(: \w+: )?')
_QUERY = re.compile(r"\?[^\s\"']*")
_USER = re.compile(r"(?<=://)[^/@\s]+@")
_NOT_STARTED = "PodInitializing"


def trouble_of(body: Json) -> Json:
    """Empty for a pod that has none."""
    status = body.get("status", {})
    kept: Json = {}
    counted = list(_counted(body))
    if restarts := sum(int(one.get("restartCount", 0)) for one in counted):
        kept["restarts"] = restarts
        kept["last"] = max(map(_last, counted), key=lambda one: str(one.get("finishedAt", "")))
    if waiting := next(_in_vain(_statuses(status)), None):
        kept["waiting"] = waiting
    if status.get("phase") == "Failed":
        kept["failed"] = {"reason": str(status.get("reason", "")), "message": said(status.get("message", ""))}
        disrupted = any(one["type"] == "DisruptionTarget" for one in status.get("conditions", ()))
        kept["failed"] |= {"disrupted": True} if disrupted else {}
    return kept


def said(message: str) -> str:
    """A message of the cluster's without what signs an address, and no longer than anybody reads."""
    return _USER.sub("", _QUERY.sub("", " ".join(str(message).split())))[:LONGEST]


def _statuses(status: Json) -> list[Json]:
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _counted(body: Json) -> Iterator[Json]:
    """Essential containers, and sidecars for as long as they keep these from starting."""
    status = body.get("status", {})
    sidecars = {one["name"] for one in body.get("spec", {}).get("initContainers", ()) if "restartPolicy" in one}
    held_up = any(_waits(one).get("reason") == _NOT_STARTED for one in status.get("containerStatuses", ()))
    for one in _statuses(status):
        if held_up or one["name"] not in sidecars:
            yield one


def _waits(container: Json) -> Json:
    return dict(container.get("state", {}).get("waiting") or {})


def _last(container: Json) -> Json:
    """How its last run ended; the runtime's message where it never ran."""
    ended = container.get("lastState", {}).get("terminated") or container.get("state", {}).get("terminated")
    if not ended:
        return {}
    kept = {key: ended[key] for key in ("exitCode", "reason", "startedAt", "finishedAt") if key in ended}
    if ended.get("reason") in {"StartError", "ContainerCannotRun"}:
        kept["message"] = said(ended.get("message", ""))
    return {"container": container["name"], **kept}


def _in_vain(containers: list[Json]) -> Iterator[Json]:
    for one in containers:
        waits = _waits(one)
        kind = FATAL.get(waits.get("reason", ""))
        if kind:
            # The two reasons of a failing pull take turns: they are one, and told alike, or each turn would be news.
            message = _BACK_OFF.sub("", waits.get("message", ""))
            yield {"container": one["name"], "kind": kind, "message": said(message)}
