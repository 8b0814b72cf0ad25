"""A Service through a day on spot: its real plan, and a cluster in a few lines with room for so many tasks a pool."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from berth import names
from berth.plan import service
from berth.plan.outcome import Child, Json, Plan
from berth.plan.world import World
from berth.resources import DEPLOYMENT, SERVICE
from support.golden import Objects, resource_of
from support.manifests import capacity_provider

START = datetime(2026, 1, 2, tzinfo=UTC)
FALLBACK = {"to": "fargate", "after": "5m", "returnAfter": "30m", "maxMoving": 1}
STARTS_IN = timedelta(minutes=1)


@dataclass
class Pod:
    """A task: it waits for a place, or has one since some time."""

    name: str
    provider: str
    born: datetime
    placed: datetime | None = None
    node: str = ""
    marked: bool = False
    starts_in: timedelta = STARTS_IN

    def ready(self, now: datetime) -> bool:
        return self.placed is not None and now - self.placed >= self.starts_in

    def body(self, now: datetime) -> Json:
        labels = {names.SERVICE: "web", names.CAPACITY_PROVIDER: self.provider, names.MANAGED_BY: names.FIELD_MANAGER}
        waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        conditions: list[Json] = [{"type": "Ready", "status": str(self.ready(now))}]
        if self.placed is None:
            conditions.append({**waits, "lastTransitionTime": said(self.born)})
        metadata: Json = {"name": self.name, "namespace": "shop", "uid": self.name, "labels": labels}
        if self.marked:
            metadata["annotations"] = {names.DELETION_COST: "-1000000"}
        phase = "Running" if self.placed else "Pending"
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"nodeName": self.node} if self.node else {},
            "status": {"phase": phase, "conditions": conditions},
        }


def said(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class SpotDay:
    """Each step lets a minute pass: places come and go, tasks start and stop, and the plan is asked until it rests."""

    desired: int
    room: Callable[[str, datetime], int]
    """How many tasks a provider's nodes hold at a time."""
    percents: tuple[int, int] = (100, 200)
    fallback: Json = field(default_factory=lambda: dict(FALLBACK))
    weights: dict[str, int] = field(default_factory=lambda: {"fargate-spot": 1})
    now: datetime = START
    pods: list[Pod] = field(default_factory=list[Pod])
    children: dict[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    status: Json = field(default_factory=dict[str, object])
    events: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    draining: set[str] = field(default_factory=set[str])
    """Nodes with a notice."""
    uneven: bool = False
    """Tasks take one to three minutes to become healthy, instead of one."""
    more: Json = field(default_factory=dict[str, object])
    """What else the Service asks for."""
    serial: int = 0

    def minutes(self, count: int, at_a_time: int = 1) -> Iterator[None]:
        for _ in range(0, count, at_a_time):
            self.now += timedelta(minutes=at_a_time)
            self._lose_places()
            for _ in range(6):
                before = self._counts()
                self._control()
                self._place()
                self._plan()
                if before == self._counts():
                    break
            yield

    def there(self, provider: str) -> int:
        return sum(pod.provider == provider and pod.placed is not None for pod in self.pods)

    @property
    def healthy(self) -> int:
        return sum(pod.ready(self.now) for pod in self.pods)

    @property
    def moved(self) -> int:
        shown: list[Json] = self.status.get("capacityProviders") or []
        return sum(int(one.get("movedCount", 0)) for one in shown)

    def shown(self) -> str:
        """Where the tasks are, as a line that a person reads."""
        split = " ".join(f"{name} {self.there(name)}" for name in ("fargate-spot", "fargate"))
        waiting = sum(pod.placed is None for pod in self.pods)
        return f"{split}, {waiting} waiting, {self.moved} moved" if waiting else f"{split}, {self.moved} moved"

    def _counts(self) -> tuple[object, ...]:
        counts = sorted((provider, int(body["spec"]["replicas"])) for provider, body in self._deployments())
        return (len(self.pods), self.there("fargate"), counts)

    def _deployments(self) -> list[tuple[str, Json]]:
        found = [body for (kind, _), body in self.children.items() if kind == "Deployment"]
        return [(body["metadata"]["labels"][names.CAPACITY_PROVIDER], body) for body in found]

    def _lose_places(self) -> None:
        for provider in ("fargate", "fargate-spot"):
            placed = [pod for pod in self.pods if pod.provider == provider and pod.placed]
            for pod in placed[self.room(provider, self.now) :]:
                self.pods.remove(pod)

    def _control(self) -> None:
        """What ReplicaSets do: start what is missing; stop the unready first, then the cheapest, then the newest."""
        wanted = {provider: int(body["spec"]["replicas"]) for provider, body in self._deployments()}
        for provider in {*wanted, *(pod.provider for pod in self.pods)}:
            mine = [pod for pod in self.pods if pod.provider == provider]
            for _ in range(wanted.get(provider, 0) - len(mine)):
                self.serial += 1
                starts_in = STARTS_IN * (1 + self.serial % 3 if self.uneven else 1)
                self.pods.append(Pod(f"{provider}-{self.serial:04}", provider, self.now, starts_in=starts_in))
            for pod in sorted(mine, key=self._goes_first)[: max(0, len(mine) - wanted.get(provider, 0))]:
                self.pods.remove(pod)

    def _goes_first(self, pod: Pod) -> tuple[bool, bool, bool, float]:
        return (pod.placed is not None, pod.ready(self.now), not pod.marked, -pod.born.timestamp())

    def _place(self) -> None:
        for pod in self.pods:
            if pod.placed is None and self.there(pod.provider) < self.room(pod.provider, self.now):
                pod.placed, pod.node = self.now, f"node-of-{pod.name}"

    def _plan(self) -> None:
        world = self._world()
        plan = service.plan(world)
        assert plan.children is not None, self.status
        self._take(plan)

    def _take(self, plan: Plan) -> None:
        marks = {mark.uid: bool(mark.annotations) for mark in plan.marks}
        for pod in self.pods:
            pod.marked = marks.get(pod.name, pod.marked)
        self.children = {(child.resource.kind, child.name): self._body(child) for child in plan.children or ()}
        if plan.status != self.status:
            self.events += [(self.now, event.message) for event in plan.events]
            self.status = plan.status or {}

    def _body(self, child: Child) -> Json:
        owner = {"uid": "uid-of-web", "controller": True}
        metadata = {**child.manifest["metadata"], "name": child.name, "namespace": "shop", "ownerReferences": [owner]}
        head = {"apiVersion": child.resource.api_version, "kind": child.resource.kind}
        return {**head, **child.manifest, "metadata": metadata}

    def _world(self) -> World:
        low, high = self.percents
        strategy = [{"capacityProvider": name, "weight": weight} for name, weight in self.weights.items()]
        configuration = {"minimumHealthyPercent": low, "maximumPercent": high}
        spec = {"taskDefinition": "web", "desiredCount": self.desired, "capacityProviderStrategy": strategy}
        subject: Json = {
            "apiVersion": SERVICE.api_version,
            "kind": "Service",
            "metadata": {"name": "web", "namespace": "shop", "uid": "uid-of-web", "generation": 1},
            "spec": {**spec, "deploymentConfiguration": configuration, **self.more},
            "status": self.status,
        }
        objects = Objects([subject, *self._objects()])
        return World(subject, objects, self.now, owned=objects.owned("uid-of-web"))

    def _objects(self) -> Iterator[Json]:
        yield capacity_provider("fargate")
        spot = capacity_provider("fargate-spot", spot=True)
        if self.fallback:
            spot["spec"]["fallback"] = self.fallback
        yield spot
        definition: Json = {"name": "web", "image": "shop/web:1", "essential": True}
        content = {"taskDefinition": "web", "revision": 1, "family": "web", "cpu": "256", "memory": "512"}
        yield {
            "apiVersion": SERVICE.api_version,
            "kind": "TaskDefinitionRevision",
            "metadata": {"name": "web-1", "namespace": "shop"},
            "spec": {**content, "containerDefinitions": [definition]},
            "status": {"status": "ACTIVE"},
        }
        for node in self.draining:
            yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}, "spec": {"unschedulable": True}}
        yield from (pod.body(self.now) for pod in self.pods)
        for body in self.children.values():
            yield self._with_status(body) if resource_of(body) == DEPLOYMENT else body

    def _with_status(self, body: Json) -> Json:
        mine = [pod for pod in self.pods if pod.provider == body["metadata"]["labels"][names.CAPACITY_PROVIDER]]
        counts = {"replicas": len(mine), "updatedReplicas": len(mine)}
        ready = {"readyReplicas": sum(pod.ready(self.now) for pod in mine), "observedGeneration": 1}
        return {**body, "metadata": {**body["metadata"], "generation": 1}, "status": {**counts, **ready}}
