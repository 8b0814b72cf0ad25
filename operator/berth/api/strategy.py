"""Capacity provider strategies: how tasks are split over providers, for a Service or as the default of a Cluster."""

from typing import Annotated, Any

from pydantic import Field

from berth.api.schema import Rule, Shape

PROVIDER_NAME = "^(FARGATE|FARGATE_SPOT|[a-z]([-a-z0-9]*[a-z0-9])?)$"
ProviderName = Annotated[str, Field(pattern=PROVIDER_NAME, max_length=63)]


class CapacityProviderStrategyItem(Shape):
    """One provider's part of a Service."""

    capacity_provider: ProviderName
    """The CapacityProvider's name. FARGATE and FARGATE_SPOT mean `fargate` and `fargate-spot`."""
    base: Annotated[int, Field(ge=0, le=100000)] = 0
    """How many tasks run here before weights count; only one provider of a strategy may have a base."""
    weight: Annotated[int, Field(ge=0, le=1000)] = 0
    """This provider's share of the tasks beyond the base, relative to the other weights."""


def plain(name: str) -> str:
    """The object's name for any way to write a provider's."""
    return name.lower().replace("_", "-")


def plain_cel(expression: str) -> str:
    return f"{expression}.lowerAscii().replace('_', '-')"


def strategy_rules(field: str, attribute: str, daemon: str = "") -> tuple[Rule, ...]:
    """What holds for a strategy: by the field's name in the API, and by its name in Python.

    Daemons need no weights; `daemon` is the CEL that tells them, for a kind that has any.
    """

    def items(spec: Any) -> list[CapacityProviderStrategyItem]:
        found: list[CapacityProviderStrategyItem] = getattr(spec, attribute)
        return found

    return (
        Rule(
            cel=f"self.{field}.filter(p, p.base > 0).size() <= 1",
            message=f"{field}: only one capacity provider may have a base",
            holds=lambda self: sum(item.base > 0 for item in items(self)) <= 1,
        ),
        Rule(
            cel=(f"{daemon} || " if daemon else "")
            + f"self.{field}.size() < 2 || self.{field}.exists(p, p.weight > 0)",
            message=f"{field}: at least one capacity provider needs a weight above 0",
            holds=lambda self: (
                (bool(daemon) and self.is_daemon)
                or len(items(self)) < 2  # noqa: PLR2004  # alone it takes all
                or any(item.weight for item in items(self))
            ),
        ),
        Rule(
            cel=(
                f"self.{field}.all(p, self.{field}.exists_one(q, "
                f"{plain_cel('q.capacityProvider')} == {plain_cel('p.capacityProvider')}))"
            ),
            message=(
                f"{field} names one capacity provider twice: FARGATE is `fargate`, FARGATE_SPOT is `fargate-spot`"
            ),
            holds=lambda self: len({plain(item.capacity_provider) for item in items(self)}) == len(items(self)),
        ),
    )
