"""What a Service says of tasks that move between zones, in ECS's words."""

from collections.abc import Mapping
from datetime import timedelta

from berth.api.zone_rebalancing import ZoneRebalancing
from berth.plan.outcome import Event


def in_progress(service: str, counts: Mapping[str, int]) -> str:
    return f"(service {service}) is not AZ balanced with {_said(counts)}. AZ Rebalancing in progress."


def started(service: str, counts: Mapping[str, int]) -> Event:
    return Event("Normal", "ServiceRebalancingStarted", in_progress(service, counts))


def completed(service: str, counts: Mapping[str, int]) -> Event:
    message = f"(service {service}) is AZ balanced with {_said(counts)}."
    return Event("Normal", "ServiceRebalancingCompleted", message)


def moved(service: str, record: ZoneRebalancing) -> tuple[Event, ...]:
    """One task started in the better zone, and one stopped for it."""
    more = f"(service {service}) has started 1 tasks in {record.to_zone} to AZ Rebalance."
    fewer = f"(service {service}) has stopped 1 running tasks in {record.from_zone} due to AZ rebalancing: "
    return (
        Event("Normal", "TasksStarted", more),
        Event("Normal", "TasksStopped", f"{fewer}(task {record.task})."),
    )


def in_vain(service: str, record: ZoneRebalancing, wait: timedelta | None) -> Event:
    """The scheduler found no place in the better zone, or preferred another."""
    then = (
        f"It is tried again {int(wait.total_seconds() // 60)} minutes after the last time."
        if wait is not None
        else "Nothing more is tried until zones, or the number of tasks, change."
    )
    failed = f"(service {service}) is unable to place a task in {record.to_zone}"
    message = f"{failed}: it started elsewhere, or not in time. {then}"
    return Event("Warning", "ServiceTaskPlacementFailure", message)


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} tasks in {zone}" for zone, count in counts.items())
