"""What is kept of a lifecycle hook's pod beside all else: whether anything of it has run, and how that ended."""

from berth import names
from berth.plan.outcome import Json
from berth.plan.task_trouble import said

PREFIX = "hook:"
"""Hooks' pods are found by their Service, and never among its tasks; no name has a colon."""


def groups(labels: Json) -> tuple[str, ...]:
    """None for a pod that is no hook's."""
    return (f"{PREFIX}{labels[names.HOOK]}",) if names.HOOK in labels else ()


def kept(body: Json) -> Json:
    """Nothing for a pod that is no hook's."""
    if names.HOOK not in (body["metadata"].get("labels") or {}):
        return {}
    status = body.get("status", {})
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    shown: Json = {"started": True} if any(map(_has_run, containers)) else {}
    failed = [one for one in containers if _ended(one).get("exitCode", 0) and not _goes_on(one)]
    if failed:
        first = min(failed, key=lambda one: str(_ended(one).get("finishedAt", "")))
        ended = _ended(first)
        shown["ended"] = {"container": first["name"], "exitCode": ended["exitCode"], "reason": ended.get("reason", "")}
        if ended.get("reason") in {"StartError", "ContainerCannotRun"}:
            shown["ended"]["message"] = said(ended.get("message", ""))
    return shown


def _has_run(container: Json) -> bool:
    state = container.get("state", {})
    return bool("running" in state or "terminated" in state or container.get("restartCount"))


def _ended(container: Json) -> Json:
    return dict(container.get("state", {}).get("terminated") or {})


def _goes_on(container: Json) -> bool:
    return bool(container.get("state", {}).get("running"))
