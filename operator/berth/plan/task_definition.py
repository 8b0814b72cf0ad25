"""A TaskDefinition: every change of content registers the next revision."""

from typing import Any, cast

from pydantic import ValidationError

from berth import names
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.conditions import State, blocked_state, common_status, invalid_spec
from berth.plan.outcome import Blocked, Child, Event, Json, Plan
from berth.plan.refusals import refused
from berth.plan.world import World
from berth.resources import TASK_DEFINITION, TASK_DEFINITION_REVISION

REGISTRATION = ("taskDefinition", "revision")


def plan(world: World) -> Plan:
    """A new revision when the content differs from the latest one; an older content again is a new revision, too."""
    try:
        spec = TaskDefinitionSpec.model_validate(world.subject["spec"])
    except ValidationError as error:
        return Plan(
            children=None, status={**_before(world), **common_status(world, blocked_state(invalid_spec(error)))}
        )
    if blocked := _family_in_use(world) or refused(world, spec):
        return Plan(children=None, status={**_before(world), **common_status(world, blocked_state(blocked))})
    content = {"family": world.name, **world.subject["spec"]}
    registered = {int(one["spec"]["revision"]): one for one in world.group(TASK_DEFINITION_REVISION, world.name)}
    # The status remembers numbers whose revisions somebody deleted: a number is never given twice.
    highest = max([*registered, int(_before(world).get("latestRevision", 0))])
    latest = registered.get(highest)
    if latest is not None and _written(_content(latest)) == _written(content):
        return Plan(children=(), status=_status(world, content, highest))
    revision = _revision(world, content, highest + 1)
    event = Event("Normal", "Registered", f"registered revision {world.name}:{highest + 1}")
    return Plan(children=(revision,), status=_status(world, content, highest + 1), events=(event,))


def _family_in_use(world: World) -> Blocked | None:
    """A family has one TaskDefinition: who registered in it keeps it, or else the oldest."""
    family = _family(world.subject)
    rank = {one["metadata"]["name"]: _claim(one) for one in (world.subject, *world.group(TASK_DEFINITION, family))}
    holder = min(rank, key=lambda name: rank[name])
    if holder == world.name:
        return None
    return Blocked(
        "FamilyInUse",
        f"family: {family} belongs to TaskDefinition {holder}, which had it first; "
        f"name another family, or delete {holder}",
    )


def _claim(definition: Json) -> tuple[bool, str, str]:
    """Ages are whole seconds: the names decide between two that came in one second and registered nothing yet."""
    metadata: Json = definition["metadata"]
    status: Json = definition.get("status") or {}
    unregistered = status.get("family") != _family(definition)
    return (unregistered, str(metadata.get("creationTimestamp", "")), str(metadata["name"]))


def _family(definition: Json) -> str:
    return str(definition["spec"].get("family") or definition["metadata"]["name"])


def _content(revision: Json) -> Json:
    return {key: value for key, value in revision["spec"].items() if key not in REGISTRATION}


def _revision(world: World, content: Json, number: int) -> Child:
    labels = {
        names.MANAGED_BY: names.FIELD_MANAGER,
        names.TASK_DEFINITION: world.name,
        names.FAMILY: names.label_value(content["family"]),
    }
    spec = {**_written(content), "taskDefinition": world.name, "revision": number}
    manifest = {"metadata": {"labels": labels}, "spec": spec}
    return Child(TASK_DEFINITION_REVISION, names.revision(world.name, number), manifest, outlives=True)


def _written(value: Any) -> Any:
    """Without empty lists, which are defaults: the API server records no owner for an empty list that merges by key."""
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in cast("Json", value).items() if inner != []}
    if isinstance(value, list):
        return list(map(_written, cast("list[Any]", value)))  # type: ignore[redundant-cast]  # pyright needs it
    return value


def _status(world: World, content: Json, number: int) -> Json:
    state = State("Registered", f"the newest revision is {world.name}:{number}", ready=True)
    return {**common_status(world, state), "family": content["family"], "latestRevision": number}


def _before(world: World) -> Json:
    return dict(world.subject.get("status", {}))
