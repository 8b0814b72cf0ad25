"""A Service's whole plan against a small cluster: Deployments roll, some revisions' tasks end as soon as they start."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from berth import names
from berth.plan.outcome import Json, Plan
from berth.resources import AUTOSCALER, CONTROLLER_REVISION, DEPLOYMENT
from support.golden import manifest, world_of

STEP = timedelta(seconds=45)
START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
API = "berth.dev/v1alpha1"


@dataclass
class Task:
    uid: str
    deployment: str
    revision: str
    home: str
    """The Deployment that runs it."""
    labels: Json = field(default_factory=dict[str, Any])
    ready_since: datetime | None = None
    restarts: int = 0
    protected: str = ""
    """Until when."""
    apart: bool = False
    """No Deployment runs it."""


@dataclass
class DeploymentRun:
    """One Service, its Deployments and their tasks."""

    spec: Json
    bad: frozenset[int] = frozenset()
    """Revisions whose tasks end at once."""
    bad_from: int = 1
    """The first deployment in which they do."""
    container: Json = field(default_factory=dict[str, Any])
    """What its container says besides its image."""
    annotations: dict[str, str] = field(default_factory=dict[str, str])
    now: datetime = START
    status: Json = field(default_factory=lambda: {"observedGeneration": -1})
    records: dict[str, Json] = field(default_factory=dict[str, Json])
    live: dict[str, Json] = field(default_factory=dict[str, Json])
    tasks: list[Task] = field(default_factory=list[Task])
    newest: int = 1
    fail_one_by_one: bool = False
    """Only one task fails in each step."""
    events: list[str] = field(default_factory=list[str])
    least: int = 0
    """The fewest that were healthy at any moment since somebody last set it."""
    most: int = 0
    """The most tasks that were there."""
    secrets: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """Secrets that the tasks take variables from, and when they last changed."""
    scales_in: bool | None = None
    """The autoscaler may take tasks away; None without one."""
    settings: Json = field(default_factory=dict[str, Any])
    _made: int = 0
    _again: timedelta | None = None

    def steps(self, most: int = 60) -> Iterator[str]:
        """What a user sees after each step, until nothing changes."""
        shown = ""
        for _ in range(most):
            before = self._state()
            self._plan()
            self._act()
            if self.shown() != shown:
                shown = self.shown()
                yield shown
            if before == self._state() and not self._bides():
                return
        raise AssertionError(f"no rest after {most} steps: {shown}")

    def _bides(self) -> bool:
        """The deployment waits for a moment that will come."""
        return self._again is not None and bool(self._stage())

    def _stage(self) -> str:
        first = self.status["deployments"][0]
        return str(first.get("lifecycleStage", "")) if first["rolloutState"] == "IN_PROGRESS" else ""

    def _state(self) -> str:
        """All that may change but restarts, which go on for ever."""
        return json.dumps([self.status, self.live, [(one.uid, str(one.ready_since), one.apart) for one in self.tasks]])

    def shown(self) -> str:
        """Healthy of all tasks of each deployment, why the Service is as it is, and in which stage, if it tells."""
        numbers = sorted({int(task.deployment.rpartition("-")[2]) for task in self.tasks})
        counts: list[str] = []
        for number in numbers:
            mine = [task for task in self.tasks if task.deployment == f"web-deployment-{number}"]
            counts.append(f"{number}: {sum(map(self._is_healthy, mine))}/{len(mine)}")
        ready = next(one for one in self.status["conditions"] if one["type"] == "Ready")
        return " ".join(filter(None, (", ".join(counts), ready["reason"], self._stage())))

    def split(self) -> dict[str, int]:
        homes = {name: one["metadata"]["labels"][names.CAPACITY_PROVIDER] for name, one in self.live.items()}
        return {
            provider: sum(homes[task.home] == provider for task in self.tasks) for provider in sorted(homes.values())
        }

    def healthy(self) -> int:
        return sum(map(self._is_healthy, self.tasks))

    def _is_healthy(self, task: Task) -> bool:
        return task.ready_since is not None and self.now - task.ready_since >= timedelta(seconds=40)

    def _plan(self) -> None:
        """As the engine does it: what is planned is made, and planned for anew, and only what then stands is told."""
        before, plan = "", self._planned()
        while before != (before := self._made_so_far()):
            plan = self._planned()
        self.status = plan.status or {}
        self._again = plan.again
        self.events += [event.message for event in plan.events]

    def _done_to_tasks(self, taken: set[str], removed: set[str]) -> None:
        self.tasks = [task for task in self.tasks if task.uid not in removed]
        for task in self.tasks:
            task.apart |= task.uid in taken

    def _took(self, children: list[Json]) -> None:
        """What is there from now on."""
        known, now = self.records, self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.records = {one["metadata"]["name"]: one for one in children if one["kind"] == CONTROLLER_REVISION.kind}
        for name, one in self.records.items():
            before = known.get(name, {"metadata": {"creationTimestamp": now}})
            one["metadata"]["creationTimestamp"] = before["metadata"]["creationTimestamp"]
        self.live = _named(children, DEPLOYMENT.kind)

    def _made_so_far(self) -> str:
        return json.dumps([self.records, self.live, self._fronts(), [(one.uid, one.apart) for one in self.tasks]])

    def _planned(self) -> Plan:
        metadata = {"name": "web", "generation": 1, "annotations": self.annotations}
        spec = {"taskDefinition": "web", **self.spec}
        subject = {"apiVersion": API, "kind": "Service", "metadata": metadata, "spec": spec, "status": self.status}
        now = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        given = {"subject": subject, "objects": list(self._objects()), "now": now, "settings": self.settings}
        controller, world = world_of(given)
        plan = controller.plan(world)
        assert plan.children is not None, plan.status
        made = [manifest(child, "shop") for child in plan.children]
        self._took(made)
        scalers = [child.manifest["spec"] for child in plan.children if child.resource == AUTOSCALER]
        self.scales_in = "selectPolicy" not in scalers[0]["behavior"]["scaleDown"] if scalers else None
        self.tasks = [task for task in self.tasks if task.home in self.live or task.apart]
        self._done_to_tasks({one.name for one in plan.takes}, {one.name for one in plan.removals})
        self._lead(made)
        return plan

    def _fronts(self) -> Json:
        """What leads to the tasks; here nobody looks at it."""
        return {}

    def _lead(self, made: list[Json]) -> None:
        """Take note of what leads to the tasks."""

    def _objects(self) -> Iterator[Json]:
        for number in range(1, self.newest + 1):
            container: Json = {"name": "web", "image": f"shop/web:{number}", **self.container}
            if self.secrets:
                container["secrets"] = [{"name": one.upper(), "valueFrom": f"secret:{one}/key"} for one in self.secrets]
            spec = {"taskDefinition": "web", "revision": number, "containerDefinitions": [container]}
            yield {
                "apiVersion": API,
                "kind": "TaskDefinitionRevision",
                "metadata": {"name": f"web-{number}"},
                "spec": spec,
            }
        for item in self.spec.get("capacityProviderStrategy", ()):
            provider = {"type": "EC2", "nodes": {"selector": {"pool": item["capacityProvider"]}}}
            yield {
                "apiVersion": API,
                "kind": "CapacityProvider",
                "metadata": {"name": item["capacityProvider"]},
                "spec": provider,
            }
        yield from ({**one, "metadata": {**one["metadata"], "owned": True}} for one in self.records.values())
        yield from map(self._deployment, self.live)
        yield from map(_secret, self.secrets, self.secrets.values())
        yield from map(self._pod, self.tasks)

    def _of(self, home: str) -> list[Task]:
        """A Deployment's own."""
        return [task for task in self.tasks if task.home == home and not task.apart]

    def _deployment(self, name: str) -> Json:
        live, mine = self.live[name], self._of(name)
        made = live["metadata"]["annotations"][names.DEPLOYMENT]
        ready = sum(task.ready_since is not None for task in mine)
        counts = {
            "observedGeneration": 1,
            "replicas": len(mine),
            "updatedReplicas": sum(task.deployment == made for task in mine),
            "readyReplicas": ready,
            "unavailableReplicas": len(mine) - sum(map(self._is_healthy, mine)),
        }
        return {**live, "metadata": {**live["metadata"], "owned": True}, "status": counts}

    def _pod(self, task: Task) -> Json:
        state: Json = {"restartCount": task.restarts, "name": "web"}
        if task.restarts:
            moment = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            ended = {"exitCode": 1, "reason": "Error", "startedAt": moment, "finishedAt": moment}
            state |= {"lastState": {"terminated": ended}}
        since = (task.ready_since or START).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": str(task.ready_since is not None), "lastTransitionTime": since}
        labels = task.labels
        metadata: Json = {"name": task.uid, "uid": task.uid, "labels": labels}
        metadata["annotations"] = {names.DEPLOYMENT: task.deployment}
        if task.protected:
            metadata["annotations"][names.PROTECT_UNTIL] = task.protected
        metadata |= {"owned": True} if task.apart else {"labels": {**labels, "pod-template-hash": task.deployment}}
        status = {"phase": "Running", "conditions": [ready], "containerStatuses": [state]}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"nodeName": "node-1"},
            "status": status,
        }

    def _act(self) -> None:
        """Kubernetes: rollouts go on as far as they may, tasks start, those of bad revisions end."""
        for name, live in self.live.items():
            if not live["spec"].get("paused"):
                self._roll(name, live["spec"])
        # What was just stopped is missed before what was just started is healthy.
        self.least, self.most = min(self.least, self.healthy()), max(self.most, len(self.tasks))
        self.now += STEP
        bad = [task for task in self.tasks if int(task.revision.rpartition(":")[2]) in self.bad]
        bad = [task for task in bad if int(task.deployment.rpartition("-")[2]) >= self.bad_from]
        for task in bad[:1] if self.fail_one_by_one else bad:
            task.restarts += 1
        for task in self.tasks:
            if task not in bad and task.ready_since is None:
                task.ready_since = self.now

    def _roll(self, name: str, spec: Json) -> None:
        said: dict[str, Any] = spec["template"]["metadata"]["annotations"]
        labels: Json = spec["template"]["metadata"]["labels"]
        made, wanted, limits = said[names.DEPLOYMENT], spec["replicas"], spec["strategy"]["rollingUpdate"]
        mine = self._of(name)
        new = [task for task in mine if task.deployment == made]
        old = [task for task in mine if task.deployment != made]
        for task in new[wanted:]:
            self.tasks.remove(task)
        for task in [one for one in old if not self._is_healthy(one)]:
            self.tasks.remove(task)
        spare = sum(map(self._is_healthy, mine)) - (wanted - limits["maxUnavailable"])
        for task in [one for one in old if self._is_healthy(one)][: max(0, spare)]:
            self.tasks.remove(task)
        room = wanted + limits["maxSurge"] - len(self._of(name))
        for _ in range(min(room, wanted - len(new))):
            self._made += 1
            self.tasks.append(Task(f"task-{self._made}", made, said[names.REVISION], name, labels))


def _secret(name: str, changed: datetime) -> Json:
    """What the operator may see of a Secret: who wrote when, and nothing of what."""
    writer: Json = {"manager": "kubectl", "time": changed.strftime("%Y-%m-%dT%H:%M:%SZ"), "fieldsV1": {"f:data": {}}}
    metadata: Json = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [writer]}
    return {"apiVersion": "v1", "kind": "SecretMetadata", "metadata": metadata}


def _named(made: list[Json], kind: str) -> dict[str, Json]:
    return {one["metadata"]["name"]: one for one in made if one["kind"] == kind}
