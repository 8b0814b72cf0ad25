"""The annotation by which somebody asks, once for each value, for the exact split of a Service's tasks."""

from berth import names
from berth.plan.world import World

LONGEST = 64
"""An annotation may be as long as a book."""


def value_of(world: World) -> str:
    return str(world.subject["metadata"].get("annotations", {}).get(names.REBALANCE, ""))[:LONGEST]


def asked_to_rebalance(world: World) -> str:
    """The value by which somebody asked for the exact split and was not answered yet; empty when nobody did."""
    value = value_of(world)
    return "" if value == world.subject.get("status", {}).get("rebalanced") else value
