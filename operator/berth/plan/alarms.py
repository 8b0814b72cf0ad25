"""Alarms of a deployment: alerts of the Service's own namespace, which the engine reads while a deployment asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from berth.api.alarms import DeploymentAlarms
from berth.api.service import ServiceSpec
from berth.api.service_deployment import ServiceDeployment, ServiceDeploymentAlarms
from berth.plan.history import remembered
from berth.plan.lifecycle_stage import OPEN, Answer, Underway
from berth.plan.moment import moment
from berth.plan.outcome import Blocked, Event, Json
from berth.plan.place import unmapped
from berth.plan.world import World
from berth.resources import ALERT

ALARM = "ALARM"
FIELD = "deploymentConfiguration.alarms"
BAKE_MINUTES = 5
"""How long alarms are looked at after a rolling deployment, where nobody says it; ECS takes a time from its alarms."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """What they say of a deployment."""

    shown: ServiceDeploymentAlarms | None = None
    """What the status shows."""
    failed: str = ""
    """Why it fails; empty when nothing speaks against it."""
    goes_back: bool = False
    """It is to be undone then."""


def enabled(spec: ServiceSpec) -> DeploymentAlarms | None:
    """The alarms of a Service, if it has any that are to be looked at."""
    alarms = spec.deployment_configuration.alarms
    return alarms if alarms is not None and alarms.enable else None


def unreadable(world: World, spec: ServiceSpec) -> Blocked | None:
    """Nobody said where alerts are: a deployment that somebody believes to be watched would not be."""
    if enabled(spec) is None or world.settings.platform.alarms is not None:
        return None
    return unmapped(FIELD, "nothing says where alerts are read", "alarms: {prometheus: URL}")


def watched(world: World, spec: ServiceSpec, own: ServiceDeployment | None) -> Alarms:
    """What the alarms say of the deployment under way. One that fired already as it began says nothing (as on ECS)."""
    alarms = enabled(spec)
    if alarms is None:
        return Alarms()
    names = list(alarms.alarm_names)
    before = own.alarms if own else None
    if before is not None and before.status == "DISABLED" and before.alarm_names == names:
        return Alarms(before)
    read = {name: world.one(ALERT, name) for name in names}
    firing = {name: one for name, one in read.items() if one is not None and one.get("state") == ALARM}
    began = moment(own.created_at) if own and own.created_at else world.now
    earlier = [name for name, one in firing.items() if moment(one["since"]) <= began]
    nowhere = "" if world.settings.platform.alarms else "the platform file does not say where alerts are read"
    shown = ServiceDeploymentAlarms(status="MONITORING", alarm_names=names, reason=nowhere or _silent(read) or None)
    if earlier:
        why = f"{', '.join(earlier)} fired already when the deployment began: alarms are not looked at during it"
        return Alarms(shown.model_copy(update={"status": "DISABLED", "triggered_alarm_names": earlier, "reason": why}))
    if firing:
        shown = shown.model_copy(update={"status": "TRIGGERED", "triggered_alarm_names": list(firing)})
        return Alarms(shown, f"ECS deployment alarm detected: {', '.join(firing)}.", alarms.rollback)
    return Alarms(shown)


def gate(world: World, underway: Underway) -> Answer:
    """A deployment may be quicker than the first look at its alarms: it does not complete unseen."""
    alarms = enabled(underway.spec)
    if alarms is None or world.settings.platform.alarms is None:
        return OPEN
    unread = [name for name in alarms.alarm_names if world.one(ALERT, name) is None]
    if unread:
        return Answer(waits=f"{underway.stage}: alarms are read: {', '.join(unread)}")
    # One that fires is judged first: it ends the deployment, or switches alarms off for it.
    own = remembered(world).get(underway.deployment.name(world.name))
    said = watched(world, underway.spec, own).shown
    judged = said is None or own is None or own.alarms == said
    return OPEN if judged else Answer(waits=f"{underway.stage}: alarms have been read", again=timedelta())


def over(own: ServiceDeployment | None) -> ServiceDeploymentAlarms | None:
    """What stays to be seen of a deployment that is looked at no more."""
    seen = own.alarms if own else None
    return seen.model_copy(update={"status": "MONITORING_COMPLETE"}) if seen and seen.status == "MONITORING" else seen


def _silent(read: dict[str, Json | None]) -> str:
    """Why alarms say nothing; one that nobody has read yet will be in a moment."""
    problems: dict[str, list[str]] = {}
    for name, one in read.items():
        if one is not None and one.get("problem"):
            problems.setdefault(str(one["problem"]), []).append(name)
    return "; ".join(f"{', '.join(names)}: {problem}" for problem, names in problems.items())


def fallen_silent(service: str, before: ServiceDeployment | None, now: ServiceDeployment) -> Iterator[Event]:
    """One event for each reason for which alarms say nothing."""
    known = before.alarms.reason if before is not None and before.alarms is not None else None
    if now.alarms is not None and now.alarms.reason and now.alarms.reason != known:
        head = f"(service {service}) (deployment {now.id})"
        yield Event("Warning", "AlarmsSilent", f"{head} alarms say nothing: {now.alarms.reason}")
