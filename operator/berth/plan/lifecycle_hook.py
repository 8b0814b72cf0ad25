"""Lifecycle hooks of deployments: a Job for each at its stage, exactly once, and a gate that waits for its end.

A Job is started when nothing of its hook is known, neither a Job nor an entry in the status. Its entry comes with the
Job that was seen, so a Job that is gone and has an entry was taken away by somebody: it is not started again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from berth import names
from berth.api.service_deployment import LifecycleHookDetail, ServiceDeployment
from berth.plan.deployment_record import Deployment
from berth.plan.hook_run import end_of, has_started, live_jobs, waits_for, why
from berth.plan.lifecycle_stage import OPEN, Answer, Underway
from berth.plan.outcome import Child, Json
from berth.plan.world import World
from berth.resources import JOB

MINUTE = 60
TOO_LATE = "DeadlineExceeded"
Details = dict[str, LifecycleHookDetail]
"""By the name of the Job."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook of a deployment at one stage."""

    deployment: str
    """The deployment's name."""
    stage: str
    frozen: Json
    """What the deployment's record says of it."""

    @property
    def job(self) -> str:
        return names.joined(self.deployment, self.frozen["name"], self.stage.lower().replace("_", "-"))

    @property
    def title(self) -> str:
        return f"{self.stage}: hook {self.frozen['name']}"

    def fails(self, detail: LifecycleHookDetail) -> bool:
        """Whether the deployment ends with it."""
        late = detail.status == "TIMED_OUT" and self.frozen["action"] == "CONTINUE"
        return detail.status in {"FAILED", "TIMED_OUT"} and not late

    def child(self, service: str) -> Child:
        labels = {**names.service_labels(service), names.HOOK: service}
        spec: Json = {
            # Whoever ran half a migration must not be run again by anybody but a person.
            "backoffLimit": 0,
            "activeDeadlineSeconds": self.frozen["timeoutInMinutes"] * MINUTE,
            "template": self.frozen["template"],
        }
        annotations = {names.DEPLOYMENT: self.deployment}
        return Child(JOB, self.job, {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec})


def gate(world: World, underway: Underway) -> Answer:
    """A stage's hooks run one after the other; the first that fails ends the deployment."""
    deployment = underway.deployment
    asked = underway.spec.deployment_configuration.lifecycle_hooks or ()
    if not deployment.placements and any(underway.stage in one.lifecycle_stages for one in asked):
        # It begins just now: what its hooks run is frozen first.
        return Answer(waits=f"{underway.stage}: its hooks start")
    own = _own(world, deployment)
    written, seen = _written(own), details(world, deployment, own)
    for hook in (one for one in _hooks(world.name, deployment) if one.stage == underway.stage):
        answer = _so_far(world, hook, seen.get(hook.job), written.get(hook.job))
        if not answer.is_open:
            return answer
    return OPEN


def _so_far(
    world: World, hook: Hook, detail: LifecycleHookDetail | None, written: LifecycleHookDetail | None
) -> Answer:
    if detail is None:
        busy = _busy(world)
        if busy:
            return Answer(waits=f"{hook.title} waits until Job {busy} has ended")
        return Answer(waits=f"{hook.title} starts", children=(hook.child(world.name),))
    if hook.fails(detail):
        return Answer(failed=f"{hook.title} failed: {(detail.reason or '').rstrip('.')}")
    if detail.status == "IN_PROGRESS":
        return Answer(waits=f"{hook.title} {f'waits: {detail.reason}' if detail.reason else 'is running'}")
    # Its end is written down before anybody acts on it.
    return OPEN if detail == written else Answer(waits=f"{hook.title} has ended", again=timedelta())


def details(world: World, deployment: Deployment, own: ServiceDeployment | None) -> Details:
    """How a deployment's hooks stand, as far as anything is known of them."""
    known = _written(own)
    if not deployment.hooks:
        return known
    live = live_jobs(world)
    for hook in _hooks(world.name, deployment):
        if (detail := _detail(world, hook, live.get(hook.job), known.get(hook.job))) is not None:
            known[hook.job] = detail
    return known


def kept(world: World, past: Mapping[int, Deployment], under_way: int) -> list[Child]:
    """The Jobs that are there, of deployments that are remembered: with them go their logs.

    What runs is left to end, whatever became of its deployment. But a task of which nothing has started yet, of a
    deployment that is over, never shall.
    """
    live = live_jobs(world)
    there = [(one.number, hook) for one in past.values() for hook in _hooks(world.name, one) if hook.job in live]
    return [
        hook.child(world.name)
        for number, hook in there
        if number == under_way or end_of(live[hook.job]) or has_started(world, hook.job)
    ]


def _own(world: World, deployment: Deployment) -> ServiceDeployment | None:
    """What the status remembers of a deployment."""
    shown: list[Json] = world.subject.get("status", {}).get("deployments") or []
    name = deployment.name(world.name)
    return next((ServiceDeployment.model_validate(one) for one in shown if one["id"] == name), None)


def _written(own: ServiceDeployment | None) -> Details:
    return {one.hook_id: one for one in (own.lifecycle_hook_details if own else None) or ()}


def _hooks(service: str, deployment: Deployment) -> Iterator[Hook]:
    for one in deployment.hooks:
        yield from (Hook(deployment.name(service), stage, one) for stage in one["stages"])


def _busy(world: World) -> str:
    """A Job of any hook of the Service that has begun and not ended: two migrations at a time are one too many."""
    return next((name for name, job in live_jobs(world).items() if not end_of(job) and has_started(world, name)), "")


def _detail(
    world: World, hook: Hook, live: Json | None, before: LifecycleHookDetail | None
) -> LifecycleHookDetail | None:
    """How a hook stands; None when nothing of it is known."""
    if before is not None and before.status != "IN_PROGRESS":
        return before
    if live is None:
        gone = "its Job was deleted before it had ended"
        return before and before.model_copy(update={"status": "FAILED", "reason": gone})
    shown = LifecycleHookDetail(
        hook_id=hook.job, name=hook.frozen["name"], lifecycle_stage=hook.stage, status="IN_PROGRESS"
    )
    end = end_of(live)
    if not end:
        return shown.model_copy(update={"reason": waits_for(world, hook.job) or None})
    if end["type"] == "Complete":
        return shown.model_copy(update={"status": "SUCCEEDED"})
    if end["reason"] == TOO_LATE:
        late = f"it had not ended after {hook.frozen['timeoutInMinutes']} minutes"
        waited = before.reason if before is not None else None
        return shown.model_copy(update={"status": "TIMED_OUT", "reason": f"{late}: {waited}" if waited else late})
    return shown.model_copy(update={"status": "FAILED", "reason": why(world, hook.job, end)})
