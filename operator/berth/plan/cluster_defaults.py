"""What a Service takes from its Cluster: a strategy that it does not name, its launch type's provider, tags.

The strategy is taken once, as on ECS: the first deployment's record keeps it, and later ones hand it on, so that a
changed default moves no Service. Once the Service names one, its own counts.
"""

import json
from dataclasses import dataclass

from pydantic import ValidationError

from berth import names
from berth.api.cluster import ClusterSpec
from berth.api.service import ServiceSpec
from berth.api.strategy import CapacityProviderStrategyItem, plain
from berth.plan.conditions import invalid_spec
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Blocked, Json
from berth.plan.strategy import LAUNCH_TYPES
from berth.plan.world import World
from berth.resources import CLUSTER

DEFAULT = "default"
ANY_NODE = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A Service's spec with its strategy filled in, and how much of that is the Cluster's."""

    spec: ServiceSpec
    default: tuple[Json, ...] = ()
    """The strategy that was taken from the Cluster."""


def cluster_of(world: World, name: str) -> ClusterSpec | Blocked:
    """The Cluster of that name; `default` is there without an object."""
    found = world.one(CLUSTER, name)
    if found is None:
        if name == DEFAULT:
            return ClusterSpec()
        return Blocked(
            "ClusterNotFound", f"cluster: there is no Cluster {name} in this namespace; create it, or use `{DEFAULT}`"
        )
    try:
        return ClusterSpec.model_validate(found["spec"])
    except ValidationError as error:
        return Blocked("ClusterInvalid", f"Cluster {name}: {invalid_spec(error).message}")


def settled(world: World, spec: ServiceSpec, latest: Deployment | None) -> Settled | Blocked:
    """The Service's wish, completed by its Cluster and held to it."""
    cluster = cluster_of(world, spec.cluster)
    if isinstance(cluster, Blocked):
        return cluster
    done = _with_strategy(cluster, spec, latest)
    known = latest.placements if latest is not None else {}
    return _not_allowed(cluster, done.spec, set(known)) or done


def of_cluster(world: World, spec: ServiceSpec, template: Json) -> Json:
    """A task's template with its Cluster's label and tags."""
    cluster = cluster_of(world, spec.cluster)
    labels = {**template["metadata"]["labels"], names.CLUSTER: spec.cluster}
    annotations = dict(template["metadata"]["annotations"])
    if isinstance(cluster, ClusterSpec) and cluster.tags:
        tags = {tag.key: tag.value for tag in cluster.tags} | json.loads(annotations.get(names.TAGS, "{}"))
        annotations[names.TAGS] = json.dumps(tags, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    metadata = {**template["metadata"], "labels": labels, "annotations": annotations}
    return {**template, "metadata": metadata}


def _with_strategy(cluster: ClusterSpec, spec: ServiceSpec, latest: Deployment | None) -> Settled:
    if spec.launch_type is not None:
        provider = {"FARGATE": cluster.launch_types.fargate, "EC2": cluster.launch_types.ec2}[spec.launch_type]
        if provider is None:
            return Settled(spec)
        item = CapacityProviderStrategyItem(capacity_provider=provider, weight=1)
        return Settled(spec.model_copy(update={"launch_type": None, "capacity_provider_strategy": [item]}))
    # A DAEMON has no strategy to lack: on ECS, too, it runs on every node.
    if spec.is_daemon or spec.capacity_provider_strategy or (latest is not None and ANY_NODE in latest.placements):
        return Settled(spec)
    if latest is not None and latest.default_strategy:
        kept = latest.default_strategy
    else:
        kept = tuple(item.model_dump(by_alias=True) for item in cluster.default_capacity_provider_strategy)
    items = [CapacityProviderStrategyItem.model_validate(item) for item in kept]
    return Settled(spec.model_copy(update={"capacity_provider_strategy": items}), kept)


def _not_allowed(cluster: ClusterSpec, spec: ServiceSpec, known: set[str]) -> Blocked | None:
    """A provider that the Cluster does not list, unless the Service runs there already."""
    allowed = {plain(name) for name in cluster.capacity_providers}
    if not allowed:
        return None
    may = f"Cluster {spec.cluster} allows {', '.join(sorted(allowed))}"
    if spec.launch_type is None and not spec.capacity_provider_strategy:
        return None if ANY_NODE in known else Blocked("CapacityProviderNotAllowed", f"{may}: name a strategy of these")
    field, named = "capacityProviderStrategy", [plain(one.capacity_provider) for one in spec.capacity_provider_strategy]
    if spec.launch_type is not None:
        field, named = "launchType", [LAUNCH_TYPES[spec.launch_type]]
    outside = next((name for name in named if name not in allowed and name not in known), None)
    if outside is None:
        return None
    return Blocked(
        "CapacityProviderNotAllowed",
        f"{field}: {may}, not {outside}; name one of these, or add it to its capacityProviders",
    )
