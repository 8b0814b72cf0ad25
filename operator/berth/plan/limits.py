"""How far the number of tasks may stray while they are replaced: minimumHealthyPercent and maximumPercent."""

from collections.abc import Mapping

from berth.api.service import DeploymentConfiguration

HUNDRED = 100


def lowest(desired: int, configuration: DeploymentConfiguration) -> int:
    """The fewest healthy tasks, rounded up as ECS does."""
    return -(-desired * configuration.minimum_healthy_percent // HUNDRED)


def highest(desired: int, configuration: DeploymentConfiguration) -> int:
    """The most tasks at a time, rounded down as ECS does."""
    return desired * configuration.maximum_percent // HUNDRED


def divided(amount: int, counts: Mapping[str, int]) -> dict[str, int]:
    """A whole amount in proportion to counts, in whole parts that add up to it (largest remainders first)."""
    total = sum(counts.values())
    if not total:
        return dict.fromkeys(counts, 0)
    parts = {key: amount * count // total for key, count in counts.items()}
    remainders = sorted(counts, key=lambda key: -(amount * counts[key] % total))
    for key in remainders[: amount - sum(parts.values())]:
        parts[key] += 1
    return parts


def rolling_update(
    desired: int, counts: Mapping[str, int], configuration: DeploymentConfiguration, beyond: int = 0
) -> dict[str, dict[str, int]]:
    """Each provider's maxSurge and maxUnavailable, whole parts of what the Service as a whole may stray.

    What runs beyond the desired count takes from the surge. Kubernetes refuses 0 and 0, so a provider without a part of
    either surges by one.
    """
    surge = divided(max(0, highest(desired, configuration) - desired - beyond), counts)
    unavailable = divided(desired - lowest(desired, configuration), counts)
    return {
        key: {"maxSurge": surge[key] or int(not unavailable[key]), "maxUnavailable": unavailable[key]} for key in counts
    }
