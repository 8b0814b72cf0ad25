"""A deployment freezes what it deploys: its inputs, its rendered template and each provider's placement.

The record is a ControllerRevision, whose data the API server lets nobody edit. Scaling, a rollback and an upgraded
operator take the frozen template, so that none of them restarts a task. A provider that joins later adds a supplement.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from berth import names
from berth.api.deployment_strategy import ROLLING, Strategy
from berth.plan.image_digest import Images, pinned
from berth.plan.outcome import Child, Json
from berth.plan.parts import some
from berth.resources import CONTROLLER_REVISION


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a Service, as it was frozen."""

    number: int
    inputs: Json
    """What the deployment was started for; a change of any of it starts another."""
    template: Json
    ports: list[Json]
    placements: dict[str, Json]
    default_strategy: tuple[Json, ...] = ()
    """The strategy that the Service took from its Cluster; empty when it named one, or runs on any node."""
    pins: tuple[str, ...] = ()
    """Containers whose tags are looked up once; empty for records of older releases."""
    images: Images | None = None
    """The digests that were found; the template has them already."""
    started: str = ""
    """When its record was made, as the API server says; empty before it is."""
    hooks: tuple[Json, ...] = ()
    """Its lifecycle hooks, each with the template of its task."""
    slot: str = names.FIRST_SLOT
    """Which of the two sets of tasks it is."""
    strategy: Strategy = ROLLING
    """How it came, or comes."""

    def started_for(self, inputs: Json) -> bool:
        """Whether nothing would be deployed otherwise; older releases recorded fields that nobody set as null."""
        return bool(_set(self.inputs) == inputs)

    def name(self, service: str) -> str:
        return names.deployment_record(service, self.number)


def recorded(objects: Iterable[Json]) -> dict[int, Deployment]:
    """The deployments that a Service's records tell of, supplements included, by number."""
    found: dict[int, Deployment] = {}
    whole = sorted(objects, key=lambda one: "template" not in one["data"])
    for one in whole:
        number, data = int(one["revision"]), one["data"]
        if "template" in data:
            placements = dict(data["placements"])
            frozen = Deployment(number, data["inputs"], data["template"], data["ports"], placements)
            told = {"started": one["metadata"].get("creationTimestamp", ""), **some(data, ("slot", "strategy"))}
            found[number] = replace(
                frozen, **told, hooks=tuple(data.get("hooks", ())), pins=tuple(data.get("pins", ()))
            )
        if number in found:
            found[number].placements.update(data.get("placements", {}))
            if taken := data.get("defaultStrategy"):
                found[number] = replace(found[number], default_strategy=tuple(taken))
            if (images := data.get("images")) is not None:
                found[number] = replace(found[number], template=pinned(found[number].template, images), images=images)
    return dict(sorted(found.items()))


def record(service: str, deployment: Deployment) -> Child:
    data: Json = {
        "inputs": deployment.inputs,
        "template": deployment.template,
        "ports": deployment.ports,
        "placements": deployment.placements,
    }
    if deployment.hooks:
        data["hooks"] = [*deployment.hooks]
    # What is as it always was is left out, so that records of older releases are no others.
    data |= {"slot": deployment.slot} if deployment.slot != names.FIRST_SLOT else {}
    data |= {"strategy": deployment.strategy} if deployment.strategy != ROLLING else {}
    if deployment.default_strategy:
        data["defaultStrategy"] = [*deployment.default_strategy]
    if deployment.pins:
        data["pins"] = [*deployment.pins]
    return _child(service, deployment.name(service), deployment.number, data)


def images_found(service: str, deployment: Deployment, images: Images) -> Child:
    """What the tags stood for when the first task ran; no provider's name has a dot."""
    return _child(service, f"{deployment.name(service)}.images", deployment.number, {"images": dict(images)})


def supplement(service: str, deployment: Deployment, provider: str, where: Json) -> Child:
    """The placement of a provider that joined while the deployment was running already."""
    name = f"{deployment.name(service)}-{provider or names.ANY_NODE}"
    return _child(service, name, deployment.number, {"placements": {provider: where}})


def default_taken(service: str, deployment: Deployment, strategy: tuple[Json, ...]) -> Child:
    """The Cluster's strategy, which the Service took when it named none any more; no provider's name has a dot."""
    name = f"{deployment.name(service)}.strategy"
    return _child(service, name, deployment.number, {"defaultStrategy": [*strategy]})


def kept(service: str, objects: Iterable[Json], numbers: set[int]) -> list[Child]:
    """The records of these deployments, exactly as they are."""
    return [
        _child(service, one["metadata"]["name"], int(one["revision"]), one["data"])
        for one in objects
        if int(one["revision"]) in numbers
    ]


def _child(service: str, name: str, number: int, data: Json) -> Child:
    labels = {names.MANAGED_BY: names.FIELD_MANAGER, names.APP_NAME: service, names.SERVICE: service}
    return Child(CONTROLLER_REVISION, name, {"metadata": {"labels": labels}, "data": data, "revision": number})


def _set(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _set(inner) for key, inner in cast("Json", value).items() if inner is not None}
    if isinstance(value, list):
        return list(map(_set, cast("list[Any]", value)))  # type: ignore[redundant-cast]  # pyright needs it
    return value
