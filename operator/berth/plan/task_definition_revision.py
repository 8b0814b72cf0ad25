"""A TaskDefinitionRevision: active as long as its TaskDefinition exists, and kept as long as somebody may need it."""

from dataclasses import replace

from pydantic import ValidationError

from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan.conditions import State, blocked_state, common_status
from berth.plan.equipment import needed
from berth.plan.external_secret import unfetched
from berth.plan.outcome import Blocked, Child, Event, Json, Plan
from berth.plan.place import place_of
from berth.plan.pull_secret import missing, standing
from berth.plan.translations import told
from berth.plan.world import World
from berth.resources import CONTROLLER_REVISION, EXTERNAL_SECRET, SERVICE, TASK_DEFINITION, TASK_DEFINITION_REVISION


def plan(world: World) -> Plan:
    """Deleting a TaskDefinition deregisters its revisions; Services that run them go on."""
    if _old(world) and not _used(world):
        return Plan(children=None, ends=True)
    name = str(world.subject["spec"]["taskDefinition"])
    active = world.one(TASK_DEFINITION, name) is not None
    message = (
        "new deployments may use it"
        if active
        else f"TaskDefinition {name} was deleted: only Services that run it go on"
    )
    children = _needed(world)
    pulls = standing(world)
    state = State("Active" if active else "Inactive", message, ready=True)
    if isinstance(children, Blocked):
        state, children = blocked_state(children), None
    elif fault := unfetched(world.children(EXTERNAL_SECRET)) or pulls.blocked:
        state = blocked_state(fault)
    elif pulls.trouble:
        state = replace(state, message=f"{message}; {pulls.trouble}")
    status: Json = {**common_status(world, state), "status": "ACTIVE" if active else "INACTIVE"}
    if found := told(world.subject["spec"], frozenset(world.settings.features or ())):
        status["translations"] = found
    events = (Event("Warning", "RegistryTokenNotRenewed", pulls.trouble),) if pulls.trouble else ()
    return Plan(children=children, status=status, events=events, again=pulls.again)


def _needed(world: World) -> tuple[Child, ...] | Blocked | None:
    """What the revision's tasks need beside their pods; None for a revision that an older CRD let in."""
    try:
        spec = TaskDefinitionRevisionSpec.model_validate(world.subject["spec"])
    except ValidationError:
        return None
    found = needed(spec, place_of(world))
    if isinstance(found, Blocked):
        return found
    pull_secret = missing(world)
    return (*found, pull_secret) if pull_secret is not None else tuple(found)


def _old(world: World) -> bool:
    """As many newer ones as the limit are there; the newest is never old, so that numbers never repeat."""
    spec = world.subject["spec"]
    family = world.group(TASK_DEFINITION_REVISION, str(spec["taskDefinition"]))
    newer = sum(int(one["spec"]["revision"]) > int(spec["revision"]) for one in family)
    return newer >= world.settings.revision_history


def _used(world: World) -> bool:
    """A Service names it, or has a record of a deployment that ran it."""
    spec = world.subject["spec"]
    name = f"{spec['taskDefinition']}:{spec['revision']}"
    return bool(world.group(CONTROLLER_REVISION, name) or world.group(SERVICE, name))
