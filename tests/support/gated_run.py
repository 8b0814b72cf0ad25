"""A Service whose deployments have hooks and alarms: Jobs that end as the test says, alerts that it lets fire."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from berth import names
from berth.plan.outcome import Json
from berth.resources import JOB
from support.deployment_run import API, DeploymentRun

FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass
class Run:
    """One Job and its pod."""

    manifest: Json
    stuck: bool = False
    ended: int | None = None
    """The exit code."""


@dataclass
class GatedRun(DeploymentRun):
    """A DeploymentRun with both."""

    codes: dict[str, int] = field(default_factory=dict[str, int])
    """How a hook's task ends, by the name of its Job; 0 unless it is here."""
    stuck: frozenset[str] = frozenset()
    """Jobs whose task never starts."""
    slow: frozenset[str] = frozenset()
    """Jobs whose task goes on and on."""
    late: frozenset[str] = frozenset()
    """Jobs that have taken too long."""
    jobs: dict[str, Run] = field(default_factory=dict[str, Run])
    started: list[str] = field(default_factory=list[str])
    """Every Job that was made."""
    fires: dict[str, str] = field(default_factory=dict[str, str])
    """Alerts that fire, and since when."""
    problem: str = ""
    unread: bool = False
    """Nobody has read an alert yet."""

    def fire(self, alert: str, *, ago: timedelta = timedelta()) -> None:
        self.fires[alert] = (self.now - ago).strftime(FORM)

    def first(self) -> Json:
        return dict(self.status["deployments"][0])

    def hooks(self, number: int) -> list[str]:
        """How the hooks of a deployment stand."""
        name = f"web-deployment-{number}"
        mine = [one for one in self.status["deployments"] if one["id"] == name]
        found = [detail for one in mine for detail in one.get("lifecycleHookDetails", ())]
        return [f"{one['name']} {one['status']}" for one in found]

    def _state(self) -> str:
        jobs = {name: (job.stuck, job.ended) for name, job in self.jobs.items()}
        return f"{super()._state()} {sorted(self.records)} {jobs}"

    def _took(self, children: list[Json]) -> None:
        super()._took(children)
        planned = {one["metadata"]["name"]: one for one in children if one["kind"] == JOB.kind}
        for name in planned:
            if name not in self.jobs:
                self.started.append(name)
        self.jobs = {name: self.jobs.get(name, Run(made)) for name, made in planned.items()}
        for name, job in self.jobs.items():
            assert job.manifest == planned[name], "a Job's template cannot be changed"

    def _objects(self) -> Iterator[Json]:
        yield from super()._objects()
        for name, job in self.jobs.items():
            yield self._job(name, job)
            yield self._pod_of(name, job)
        for name in set[str]() if self.unread else {*self.fires, "HighErrorRate"}:
            state = {"state": "ALARM", "since": self.fires[name]} if name in self.fires else {"state": "OK"}
            shown = {"problem": self.problem} if self.problem else state
            yield {"apiVersion": API, "kind": "Alert", "metadata": {"name": name}, **shown}

    def _job(self, name: str, job: Run) -> Json:
        kind = {0: "Complete", None: "Failed" if name in self.late else ""}.get(job.ended, "Failed")
        reason = "DeadlineExceeded" if name in self.late else "BackoffLimitExceeded"
        condition = {"type": kind, "status": "True", "reason": reason, "message": "it has failed"}
        status = {"conditions": [condition] if kind else []}
        return {**job.manifest, "metadata": {**job.manifest["metadata"], "owned": True}, "status": status}

    def _pod_of(self, name: str, job: Run) -> Json:
        state: Json = {"running": {}} if job.ended is None else {"terminated": {"exitCode": job.ended}}
        if job.stuck:
            state = {"waiting": {"reason": "ImagePullBackOff", "message": "not there"}}
        template = job.manifest["spec"]["template"]["metadata"]
        metadata = {"name": f"{name}-x", "uid": f"{name}-x", "labels": template["labels"]}
        metadata["annotations"] = {names.DEPLOYMENT: template["annotations"][names.DEPLOYMENT]}
        metadata["ownerReferences"] = [{"kind": "Job", "name": name, "uid": "of-a-job", "controller": True}]
        status = {
            "phase": "Pending" if job.stuck else "Running",
            "containerStatuses": [{"name": "web", "state": state}],
        }
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}, "status": status}

    def _act(self) -> None:
        super()._act()
        for name, job in self.jobs.items():
            job.stuck = name in self.stuck
            if not job.stuck and name not in self.slow and job.ended is None:
                job.ended = self.codes.get(name, 0)
