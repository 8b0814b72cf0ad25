"""The groups by which Services find nodes: those that are about to go, and the zones of the others."""

from berth.plan.draining import DRAINING, notice
from berth.plan.outcome import Json
from berth.plan.zones import group_of


def groups(node: Json) -> tuple[str, ...]:
    return (DRAINING,) if notice(node) else group_of(node)
