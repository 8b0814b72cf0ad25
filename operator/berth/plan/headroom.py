"""Room for tasks to come: pods that do nothing, of the tasks' size, which give way to any task (ADR 59)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from berth import names
from berth.plan.moment import moment
from berth.plan.outcome import Child, Json
from berth.plan.provider_load import Load
from berth.plan.quantity import memory, millicores
from berth.plan.running_task import counts
from berth.plan.task_size import Size
from berth.plan.world import World
from berth.resources import DEPLOYMENT, POD
from berth.settings import Settings

HUNDRED = 100
MEBIBYTE = 1 << 20
MOST = 500
"""More placeholders than that burden a cluster for little."""
NAME = "placeholder"
PATIENCE = timedelta(minutes=5)
"""A task that has sought a place for longer finds none: it holds up nobody else's room."""


@dataclass(frozen=True, slots=True)
class Room:
    """So many more tasks of that size shall find room."""

    count: int
    size: Size


def room_for(loads: Collection[Load], target: int) -> Room:
    """Nodes that n tasks fill to the target hold n * 100 / target; half of the tasks have that size at most."""
    tasks = sum(one.wanted for one in loads)
    cpu = _median([(one.size.cpu, one.wanted) for one in loads])
    bytes_ = _median([(one.size.memory, one.wanted) for one in loads])
    return Room(min(MOST, -(-tasks * HUNDRED // target) - tasks), Size(cpu, bytes_))


def tasks_first(world: World, loads: Collection[Load]) -> timedelta | None:
    """How long more placeholders wait for tasks that seek a place; None when all have one.

    New placeholders would take the place that was brought for the tasks, only to be stopped for them at once; and of
    tasks that take the place of what has only just got it kube-scheduler may forget one for minutes (ADR 59).
    """
    if any(one.coming for one in loads):
        return PATIENCE
    seeking = (pod for pod in world.lookup.every(POD) if _seeks_a_place(pod, world.name))
    since = [moment(pod["metadata"]["creationTimestamp"]) for pod in seeking]
    return max((left for one in since if (left := one + PATIENCE - world.now) > timedelta()), default=None)


def _seeks_a_place(pod: Json, provider: str) -> bool:
    labels: Json = pod["metadata"]["labels"]
    mine = names.SERVICE in labels and labels.get(names.CAPACITY_PROVIDER) == provider
    return mine and counts(pod) and not pod["spec"].get("nodeName")


def placeholders(provider: str, room: Room, where: Json, settings: Settings) -> Child:
    """A provider's placeholders: a Deployment in the operator's namespace, on the provider's nodes."""
    labels = {names.HEADROOM: provider}
    pods = {names.APP_NAME: NAME, **labels}
    manifest: Json = {
        "metadata": {"labels": pods},
        "spec": {
            "replicas": room.count,
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": labels},
            # Old and new ones at a time would bring nodes for nothing.
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": pods},
                "spec": _pod(settings, room.size, where),
            },
        },
    }
    name = names.joined("headroom", provider)
    return Child(DEPLOYMENT, name, manifest, namespace=settings.operator_namespace)


def _pod(settings: Settings, size: Size, where: Json) -> Json:
    asked = {"cpu": millicores(size.cpu), "memory": memory(-(-size.memory // MEBIBYTE))}
    requests = {key: value for key, value in asked.items() if not value.startswith("0")}
    container: Json = {
        "name": NAME,
        "image": settings.placeholder_image,
        **({"resources": {"requests": requests}} if requests else {}),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "automountServiceAccountToken": False,
        "containers": [container],
        "enableServiceLinks": False,
        "priorityClassName": settings.placeholder_priority_class,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65535, "seccompProfile": {"type": "RuntimeDefault"}},
        # It has nothing to finish, and a task waits for its place.
        "terminationGracePeriodSeconds": 0,
        **{key: where[key] for key in ("affinity", "nodeSelector", "tolerations") if key in where},
    }


def _median(weighted: Collection[tuple[int, int]]) -> int:
    """The value that half of the weight is at or below."""
    whole, seen = sum(weight for _, weight in weighted), 0
    for value, weight in sorted(weighted):
        seen += 2 * weight
        if weight and seen >= whole:
            return value
    return 0
