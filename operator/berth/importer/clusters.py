"""Clusters of all files together: each is written once, with the providers that an association gives it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from berth.importer.manifests import DEFAULT_CLUSTER, cluster_without_defaults
from berth.importer.shapes import Json

PROVIDERS = ("capacityProviders", "defaultCapacityProviderStrategy")


@dataclass
class Written:
    """What is written for one file."""

    manifests: list[Json] = field(default_factory=list[Json])
    associations: list[Json] = field(default_factory=list[Json])
    """Clusters of which the file says no more than their capacity providers."""
    remarks: list[str] = field(default_factory=list[str])


def complete_clusters(files: Sequence[Written]) -> None:
    """A cluster is an object here, so one that nothing defines comes with the first that names it."""
    there: dict[str, Json] = {}
    for manifest in (manifest for one in files for manifest in one.manifests if manifest["kind"] == "Cluster"):
        # Of two of one name the later remains when both are applied.
        there[manifest["metadata"]["name"]] = manifest
    for one in files:
        for association in one.associations:
            _associate(one, association, there)
    for one in files:
        for manifest in list(one.manifests):
            name = manifest["spec"].get("cluster", DEFAULT_CLUSTER)
            if name not in there and name != DEFAULT_CLUSTER:
                there[name] = cluster_without_defaults(name)
                one.manifests.insert(0, there[name])
                one.remarks.append(
                    f"Cluster {name} is written, too, without defaults: a Service needs its cluster here"
                )


def _associate(one: Written, association: Json, there: dict[str, Json]) -> None:
    """PutClusterCapacityProviders replaces both lists, whatever the cluster had."""
    name = association["metadata"]["name"]
    if name not in there:
        there[name] = association
        one.manifests.insert(0, association)
        return
    spec: Json = there[name]["spec"]
    before = [spec.pop(key, None) for key in PROVIDERS]
    spec.update(association["spec"])
    if any(before) and before != [spec.get(key) for key in PROVIDERS]:
        one.remarks.append(f"Cluster {name} says {' and '.join(PROVIDERS)} twice: the association counts, as on ECS")
