"""The tasks of a Service one by one, as far as a plan must tell them apart."""

from dataclasses import dataclass
from datetime import datetime

from berth import names
from berth.plan.moment import moment
from berth.plan.outcome import Json, Mark
from berth.plan.pod_record import CHOSEN, ENDED, FOR_A_NODE, TEMPLATE_HASH
from berth.plan.world import World
from berth.resources import POD


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A pod that has not ended and is not being stopped."""

    name: str
    uid: str
    provider: str
    node: str
    ready: bool
    chosen: bool
    """It carries our mark: the count was, or is about to be, lowered for it."""
    waits_since: datetime | None
    """When the scheduler first found no node for it; None for a task that has one, or lacks something else."""
    born: str = ""
    """When it was created."""
    deployment: str = ""
    """The record that it was made from."""
    protection: str = ""
    """Until when it is protected, as somebody wrote it."""
    hash: str = ""
    """What binds it to its ReplicaSet."""

    def mark(self, *, chosen: bool) -> Mark:
        return Mark(POD, self.name, self.uid, {names.DELETION_COST: CHOSEN} if chosen else {})


def running_tasks(world: World, slot: str = "") -> dict[str, list[RunningTask]]:
    """The Service's tasks (of one set of them) by provider, but for those that have ended or are being stopped."""
    found: dict[str, list[RunningTask]] = {}
    for pod in world.group(POD, world.name):
        if counts(pod) and slot in {"", slot_of(pod)}:
            task = task_of(pod)
            found.setdefault(task.provider, []).append(task)
    return found


def slot_of(one: Json) -> str:
    """Which set of tasks a task, or what runs it, belongs to."""
    return str(one["metadata"]["labels"].get(names.SLOT, names.FIRST_SLOT))


def counts(pod: Json) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") not in ENDED


def task_of(pod: Json) -> RunningTask:
    metadata = pod["metadata"]
    provider = metadata["labels"].get(names.CAPACITY_PROVIDER, names.ANY_NODE)
    said: Json = metadata.get("annotations", {})
    conditions = {one["type"]: one for one in pod["status"]["conditions"]}
    waits = conditions.get("PodScheduled", {})
    return RunningTask(
        name=metadata["name"],
        uid=metadata["uid"],
        provider="" if provider == names.ANY_NODE else provider,
        node=pod["spec"].get("nodeName", ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        chosen=said.get(names.DELETION_COST) == CHOSEN,
        waits_since=moment(waits["lastTransitionTime"]) if waits.get("reason") == FOR_A_NODE else None,
        born=metadata.get("creationTimestamp", ""),
        deployment=said.get(names.DEPLOYMENT, ""),
        protection=said.get(names.PROTECT_UNTIL, ""),
        hash=metadata["labels"].get(TEMPLATE_HASH, ""),
    )
