"""The capacity providers that a Service needs: those of its strategy, and where their tasks go for want of a place."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from pydantic import ValidationError

from berth.api.capacity_provider import CapacityProviderSpec
from berth.api.fallback import Fallback
from berth.plan.conditions import invalid_spec
from berth.plan.outcome import Blocked
from berth.plan.strategy import Share
from berth.plan.world import World
from berth.resources import CAPACITY_PROVIDER


@dataclass(frozen=True, slots=True)
class Providers:
    """What there is of what a strategy names."""

    strategy: tuple[Share, ...]
    """The strategy, less the providers that were deleted: these hand their tasks over to the others."""
    specs: dict[str, CapacityProviderSpec] = field(default_factory=dict[str, CapacityProviderSpec])
    """Those of the strategy and those that take their tasks over; any node has none."""
    deleted: tuple[str, ...] = ()
    faults: dict[str, str] = field(default_factory=dict[str, str])
    """Why a provider's fallback is not used."""

    def drains(self, name: str) -> bool:
        """Whether a provider's tasks are replaced before their nodes go; those of a deleted one are."""
        spec = self.specs.get(name)
        return spec is None or spec.managed_draining == "ENABLED"

    @property
    def fallbacks(self) -> dict[str, Fallback]:
        """The fallbacks that can be used, each before that of the provider that it leads to."""
        used = {
            name: spec.fallback
            for name, spec in self.specs.items()
            if spec.fallback is not None and name not in self.faults
        }
        order: TopologicalSorter[str] = TopologicalSorter()
        for name, fallback in used.items():
            order.add(fallback.to, name)
        return {name: used[name] for name in order.static_order() if name in used}


def providers_of(world: World, strategy: tuple[Share, ...], ran_on: Iterable[str]) -> Providers | Blocked:
    """Find them. One that is missing was deleted when a deployment of this Service has `ran_on` it."""
    specs: dict[str, CapacityProviderSpec] = {}
    deleted: list[str] = []
    for name in (share.provider for share in strategy if share.provider):
        found = _provider(world, name)
        if isinstance(found, CapacityProviderSpec):
            specs[name] = found
        elif found.reason == NOT_FOUND and name in ran_on:
            deleted.append(name)
        else:
            return found
    left = tuple(share for share in strategy if share.provider not in deleted)
    if not any(share.weight for share in left) and deleted:
        # Nobody is left to take the tasks: they stay where they are.
        if len(left) != 1:
            return _missing(deleted[0])
        left = (replace(left[0], weight=1),)
    return _with_fallbacks(world, Providers(left, specs, tuple(deleted)))


def fallback_fault(world: World, name: str, spec: CapacityProviderSpec) -> str:
    """Why the fallback of a provider cannot be used; empty when it can, or when there is none."""
    seen, at = [name], spec
    while at.fallback is not None:
        to = at.fallback.to
        if to in seen:
            return f"fallback.to: {' -> '.join([*seen, to])} leads back to where it began; name another provider"
        found = _provider(world, to)
        if isinstance(found, Blocked):
            return f"fallback.to: {found.message.partition(': ')[2]}" if len(seen) == 1 else ""
        seen.append(to)
        at = found
    return ""


def _with_fallbacks(world: World, providers: Providers) -> Providers:
    specs, faults = dict(providers.specs), dict(providers.faults)
    ahead = list(specs)
    while ahead:
        name = ahead.pop(0)
        fallback = specs[name].fallback
        if fallback is None:
            continue
        if fault := fallback_fault(world, name, specs[name]):
            faults[name] = fault
        elif fallback.to not in specs:
            found = _provider(world, fallback.to)
            if isinstance(found, CapacityProviderSpec):
                specs[fallback.to] = found
                ahead.append(fallback.to)
    return replace(providers, specs=specs, faults=faults)


NOT_FOUND = "CapacityProviderNotFound"


def _provider(world: World, name: str) -> CapacityProviderSpec | Blocked:
    found = world.one(CAPACITY_PROVIDER, name)
    if found is None:
        return _missing(name)
    try:
        return CapacityProviderSpec.model_validate(found["spec"])
    except ValidationError as error:
        return Blocked("CapacityProviderInvalid", f"CapacityProvider {name}: {invalid_spec(error).message}")


def _missing(name: str) -> Blocked:
    return Blocked(
        NOT_FOUND,
        f"capacityProviderStrategy: there is no CapacityProvider {name}; create it, or name another",
    )
