"""What ECS says of capacity, in the shape of our models: an Auto Scaling group is the nodes with a provider's label."""

from functools import cache

from berth import names
from berth.api.capacity_provider import CapacityProviderSpec
from berth.gen.schema import structural
from berth.importer.scalars import Schema
from berth.importer.walk import Walk

GROUP = "autoScalingGroupProvider"
OF_A_GROUP = ("managedScaling", "managedTerminationProtection", "managedDraining")
BUILT_IN = frozenset({"fargate", "fargate-spot"})


def provider_name(text: str) -> str:
    """The name of the object for any name of a provider: the same for a definition and for strategies."""
    made = names.dns_label(names.provider(text.rpartition("/")[2]))
    return made if made[:1].isalpha() else f"x{names.dns_label(made, names.NAME_LIMIT - 1)}"


@cache
def group_schema() -> Schema:
    """The model's fields where ECS has them: below autoScalingGroupProvider."""
    known = structural(CapacityProviderSpec)["properties"]
    group = {"type": "object", "properties": {name: known[name] for name in OF_A_GROUP}}
    return {"type": "object", "properties": {GROUP: group}}


def take_out_of_group(walk: Walk) -> None:
    """Brings what stands below autoScalingGroupProvider to where the model has it, and says which nodes it means."""
    walk.spec = {"type": "EC2", "nodes": {"preset": "plain"}, **walk.spec.get(GROUP, {})}
    for row in walk.rows:
        if row.target is not None and row.target[:1] == (GROUP,):
            row.target = row.target[1:]
