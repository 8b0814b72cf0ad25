"""The first task of a deployment: it runs before all others, and what its tags stand for then holds for all of them.

It is a task like the others, owned by the Service itself as protected ones are, and it stays: nothing of it is started
anew once its digests are known. It waits with the deployment before SCALE_UP, and its failures count.
"""

from berth import names
from berth.plan import limits
from berth.plan.deployment_record import Deployment
from berth.plan.image_digest import Images, fresh
from berth.plan.lifecycle_stage import OPEN, Answer, Underway
from berth.plan.outcome import Child, Json
from berth.plan.parts import is_ready
from berth.plan.placement import placed
from berth.plan.strategy import split_over, strategy_of
from berth.plan.world import World
from berth.resources import DEPLOYMENT, POD


def first_task(world: World, underway: Underway) -> Answer:
    """The gate: closed until the digests stand in the deployment's record."""
    deployment = underway.deployment
    if not is_wanted(underway) or not _has_room(world, underway):
        return OPEN
    return Answer(
        waits="PRE_SCALE_UP: the first task runs before the others, so that all of them run what its tags stand for",
        children=(_child(world, underway, deployment),),
    )


def is_wanted(underway: Underway) -> bool:
    """Nobody needs to know what tags stand for where no task is to run."""
    deployment = underway.deployment
    return bool(deployment.pins) and deployment.images is None and underway.spec.desired_count > 0


def _has_room(world: World, underway: Underway) -> bool:
    """It is one task more for a while; where maximumPercent allows none, each node looks the tags up."""
    desired, bounds = underway.spec.desired_count, underway.spec.deployment_configuration
    return limits.highest(desired, bounds) > desired or not world.children(DEPLOYMENT)


def name_of(deployment: str) -> str:
    return names.joined(deployment, "first")


def found_images(world: World, deployment: Deployment) -> Images | None:
    """What the first task says, once it is ready; None until then."""
    name = name_of(deployment.name(world.name))
    pod = next((one for one in world.children(POD) if one["metadata"]["name"] == name), None)
    if not deployment.pins or deployment.images is not None or pod is None or "deletionTimestamp" in pod["metadata"]:
        return None
    digests: Json = pod["status"].get("digests", {})
    return {name: digests.get(name, "") for name in deployment.pins} if is_ready(pod) else None


def _child(world: World, underway: Underway, deployment: Deployment) -> Child:
    strategy = strategy_of(underway.spec)
    provider = next(name for name, count in split_over(strategy, 1, {}).items() if count)
    where = deployment.placements.get(provider, {})
    made = placed(fresh(deployment.template, deployment.pins), provider, where, deployment.slot)
    metadata = {
        **made["metadata"],
        "annotations": {**made["metadata"].get("annotations", {}), names.FIRST_TASK: "true"},
    }
    return Child(POD, name_of(deployment.name(world.name)), {"metadata": metadata, "spec": made["spec"]})
