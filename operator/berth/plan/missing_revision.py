"""Why there is no revision to run: what is the matter with the TaskDefinition, and where to look."""

from berth import names
from berth.plan.conditions import READY
from berth.plan.outcome import Blocked, Json
from berth.plan.world import World
from berth.resources import TASK_DEFINITION, TASK_DEFINITION_REVISION

FIELD = "taskDefinition"


def missing(world: World, task_definition: str) -> Blocked:
    """The sentence for a `web` or `web:7` that no active revision answers to."""
    name, _, number = task_definition.partition(":")
    definition = world.one(TASK_DEFINITION, name)
    if _inactive(world, name, number):
        return Blocked(
            "TaskDefinitionInactive",
            f"{FIELD}: {task_definition} is inactive, its TaskDefinition was deleted; "
            f"create TaskDefinition {name} again, or name another",
        )
    if number:
        return _no_number(name, int(number), definition)
    return _no_definition(world, name) if definition is None else _unregistered(name, definition)


def _inactive(world: World, name: str, number: str) -> bool:
    if number:
        return world.one(TASK_DEFINITION_REVISION, names.revision(name, int(number))) is not None
    return bool(world.group(TASK_DEFINITION_REVISION, name))


def _no_definition(world: World, name: str) -> Blocked:
    # Who knows a family by ECS's name may not know what its object is called.
    holders = [str(one["metadata"]["name"]) for one in world.group(TASK_DEFINITION, name)]
    remedy = f"the family {name} is that of TaskDefinition {holders[0]}: name it" if holders else "create it"
    return Blocked(
        "TaskDefinitionNotFound",
        f"{FIELD}: there is no TaskDefinition {name} in this namespace; {remedy}, or name another",
    )


def _unregistered(name: str, definition: Json) -> Blocked:
    """Nothing of it has ever been registered, or all of it was deleted: its own conditions say what keeps it."""
    fault = _fault(definition)
    if fault is None:
        return Blocked(
            "TaskDefinitionNotRegistered",
            f"{FIELD}: TaskDefinition {name} has no revision yet; it is registered in a moment, or else "
            f"`kubectl describe taskdef {name}` says why not",
        )
    return Blocked(
        "TaskDefinitionBlocked",
        f"{FIELD}: TaskDefinition {name} has no revision, because it is not registered "
        f"({fault['reason']}): {fault['message']}. Correct it there (`kubectl describe taskdef {name}`); "
        "the Service goes on by itself",
    )


def _no_number(name: str, number: int, definition: Json | None) -> Blocked:
    """A number that was never given, or whose revision has gone."""
    latest = int((definition or {}).get("status", {}).get("latestRevision") or 0)
    others = f"name one that `kubectl get tdrev` lists, or {name} for the newest"
    if number <= latest:
        why = (
            f"revision {number} of {name} is no longer there (the newest is {latest}): "
            "BERTH_REVISION_HISTORY says how many are kept, or somebody deleted it"
        )
    elif definition is None:
        why = f"there is no revision {number} of {name} in this namespace, and no TaskDefinition {name}"
    else:
        newest = f"the newest is {latest}" if latest else f"{name} has none yet"
        why = f"revision {number} of {name} has not been registered: {newest}"
        if fault := _fault(definition):
            why += f", and TaskDefinition {name} is not registered as it stands ({fault['reason']}): {fault['message']}"
    return Blocked("TaskDefinitionNotFound", f"{FIELD}: {why}; {others}")


def _fault(definition: Json) -> Json | None:
    """What the TaskDefinition says of itself, as it stands now."""
    status: Json = definition.get("status") or {}
    conditions: list[Json] = status.get("conditions") or []
    ready = next((one for one in conditions if one["type"] == READY), None)
    seen = status.get("observedGeneration") == definition["metadata"].get("generation")
    return ready if ready is not None and ready["status"] != "True" and seen else None
