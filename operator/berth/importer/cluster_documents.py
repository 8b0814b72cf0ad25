"""Whether a document is of a cluster or a capacity provider: their words also stand in documents of others."""

from typing import Any

from berth.fields import calls
from berth.importer.capacity import BUILT_IN, provider_name
from berth.importer.parts import Kind
from berth.importer.scalars import said
from berth.importer.shapes import Json, is_list, is_object, is_scalar

CLUSTER = frozenset({"clustername", "clusterarn"})
PROVIDER = frozenset({"autoscalinggroupprovider", "managedinstancesprovider"})
STRATEGY = "defaultcapacityproviderstrategy"


def kind_of(keys: dict[str, str]) -> Kind | None:
    """Of an input by its keys in lower case; None for one of something else."""
    if keys.keys() & PROVIDER and "name" in keys:
        return "capacity_provider"
    known = keys.keys() & calls()["create_cluster"].children("")
    if "clustername" in keys and 2 * len(known) > len(keys):
        # Node groups and add-ons of EKS name their cluster in the same word.
        return "cluster"
    if STRATEGY in keys:
        return "cluster_capacity_providers" if "cluster" in keys else "cluster"
    return None


def is_cluster(value: Any) -> bool:
    """Not EKS's, and not the name of one."""
    return bool(_keys(value) & CLUSTER)


def is_provider(value: Any) -> bool:
    return bool(_keys(value) & {"name", "capacityproviderarn"})


def describes(value: Any, kind: Kind, around: dict[str, str]) -> bool:
    """Whether this is what a describe call lists; one that found nothing lists failures."""
    items: list[Any] = value if is_list(value) else []
    holds = is_cluster if kind == "cluster" else is_provider
    return any(map(holds, items)) or (items == [] and is_list(value) and "failures" in around)


def is_built_in(value: Any) -> bool:
    """FARGATE and FARGATE_SPOT, which AWS lists among the others."""
    members: Json = value if is_object(value) else {}
    name = {key.lower(): one for key, one in members.items()}.get("name")
    return is_scalar(name) and provider_name(said(name)) in BUILT_IN


def _keys(value: Any) -> set[str]:
    return {key.lower() for key in value} if is_object(value) else set()
