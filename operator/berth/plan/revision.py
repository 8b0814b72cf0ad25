"""Which revision a taskDefinition means: `web` the newest active one, `web:7` that one."""

from dataclasses import dataclass

from pydantic import ValidationError

from berth import names
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan.conditions import invalid_spec
from berth.plan.deployment_record import Deployment
from berth.plan.missing_revision import missing
from berth.plan.outcome import Blocked, Json
from berth.plan.world import World
from berth.resources import TASK_DEFINITION_REVISION


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision by its ECS name, `web:7`, and its content."""

    name: str
    spec: TaskDefinitionRevisionSpec


def revision_of(world: World, task_definition: str, latest: Deployment | None) -> Revision | Deployment | Blocked:
    """The revision to run, or the deployment that goes on with a revision which is inactive or gone by now."""
    found = _found(world, task_definition)
    if found is not None:
        return found
    if latest is not None and _names(task_definition, latest.inputs["taskDefinition"]):
        return latest
    return missing(world, task_definition)


def active_revision(world: World, task_definition: str) -> Revision | Blocked:
    """The revision to run, for what does not go on with an inactive one."""
    return _found(world, task_definition) or missing(world, task_definition)


def _found(world: World, task_definition: str) -> Revision | Blocked | None:
    name, _, number = task_definition.partition(":")
    found = _pinned(world, name, number) if number else _newest(world, name)
    return None if found is None else _read(f"{name}:{found['spec']['revision']}", found)


def _pinned(world: World, name: str, number: str) -> Json | None:
    found = world.one(TASK_DEFINITION_REVISION, names.revision(name, int(number)))
    return found if found is not None and _active(found) else None


def _newest(world: World, name: str) -> Json | None:
    active = [one for one in world.group(TASK_DEFINITION_REVISION, name) if _active(one)]
    return max(active, key=lambda one: int(one["spec"]["revision"]), default=None)


def _active(revision: Json) -> bool:
    return bool(revision.get("status", {}).get("status") != "INACTIVE")


def _names(task_definition: str, running: str) -> bool:
    return running == task_definition or running.partition(":")[0] == task_definition


def _read(name: str, found: Json) -> Revision | Blocked:
    try:
        return Revision(name, TaskDefinitionRevisionSpec.model_validate(found["spec"]))
    except ValidationError as error:
        return Blocked("TaskDefinitionInvalid", f"task definition {name}: {invalid_spec(error).message}")
