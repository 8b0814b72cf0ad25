"""What a Service's status remembers of its deployments, and which of them is to run.

A verdict is written down before anybody acts on it: the plan that finds a deployment failed changes the status alone,
and the next one, which reads it there, goes back. So an operator that dies in between has forgotten nothing.
"""

from collections.abc import Collection, Mapping

from berth import names
from berth.api.deployment_strategy import ROLLING
from berth.api.service import ServiceSpec
from berth.api.service_deployment import ServiceDeployment
from berth.plan.deployment_record import Deployment
from berth.plan.lifecycle_stage import HELD
from berth.plan.outcome import Json
from berth.plan.world import World

Past = Mapping[int, Deployment]
Entries = dict[str, ServiceDeployment]
"""Deployments by their name."""


def remembered(world: World) -> Entries:
    shown = world.subject.get("status", {}).get("deployments") or ()
    return {one["id"]: ServiceDeployment.model_validate(one) for one in shown}


def to_run(world: World, asked: Deployment, past: Past) -> Deployment:
    """What was asked for, or the deployment that stands in for it since it failed."""
    entry = remembered(world).get(asked.name(world.name))
    if entry is None or entry.rollback is None:
        return asked
    return _by_name(world, past).get(entry.rollback.deployment, asked)


def before(world: World, past: Past, deployment: Deployment, slot: str) -> Deployment | None:
    """What was to run in a slot before a deployment, and has tasks: one that never came so far is passed over."""
    entries = remembered(world)
    for number in sorted((one for one in past if one < deployment.number), reverse=True):
        entry = entries.get(past[number].name(world.name))
        if entry is None or entry.rollback is not None or entry.lifecycle_stage not in HELD:
            found = to_run(world, past[number], past)
            if found.slot == slot:
                return found
    return None


def slot_of_next(world: World, spec: ServiceSpec, past: Past) -> str:
    """Where the next deployment runs: beside what is known to be good, or in its place."""
    if not past:
        return names.FIRST_SLOT
    latest = past[max(past)]
    good = _known_to_be_good(world, past, latest)
    if good is None:
        return latest.slot
    return good.slot if spec.deployment_configuration.strategy == ROLLING else names.other_slot(good.slot)


def _known_to_be_good(world: World, past: Past, latest: Deployment) -> Deployment | None:
    entries = remembered(world)
    entry = entries.get(latest.name(world.name))
    if entry is not None and entry.rollback is not None:
        return to_run(world, latest, past)
    return latest if is_good(entry) else to_go_back_to(world, entries, past, latest)


def is_good(entry: ServiceDeployment | None) -> bool:
    """It completed, or all that is left of it is to clean up."""
    if entry is None or entry.rollout_state == "FAILED":
        return False
    return entry.rollout_state == "COMPLETED" or entry.lifecycle_stage == "CLEAN_UP"


def forced(spec: ServiceSpec, past: Past) -> Json:
    """The value by which a deployment was forced, as an input of it; taking the value away asks for nothing."""
    value = spec.force_new_deployment or (past[max(past)].inputs.get("forceNewDeployment") if past else None)
    return {"forceNewDeployment": value} if value else {}


def is_halted(world: World, deployment: Deployment) -> bool:
    """It failed, and nothing stands in for it: what runs goes on, and nothing is added."""
    entry = remembered(world).get(deployment.name(world.name))
    return entry is not None and entry.rollout_state == "FAILED"


def to_go_back_to(world: World, entries: Entries, past: Past, failed: Deployment) -> Deployment | None:
    """The latest deployment before this one that is known to be good, and whose record is there."""
    for number in sorted(past, reverse=True):
        entry = entries.get(past[number].name(world.name))
        if number < failed.number and is_good(entry):
            return past[number]
    return None


def needed(world: World, past: Past, current: Deployment) -> Collection[int]:
    """The records without which there would be no way back, however many deployments have failed since."""
    back = to_go_back_to(world, remembered(world), past, current)
    return {current.number, *([back.number] if back else [])} & set(past)


def _by_name(world: World, past: Past) -> dict[str, Deployment]:
    return {one.name(world.name): one for one in past.values()}
