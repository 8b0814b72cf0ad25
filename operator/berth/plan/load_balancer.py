"""loadBalancers: the port that each leads to, when a task gets requests, and how long a task that stops goes on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from berth import names
from berth.adapters import Platform
from berth.api.load_balancer import ApplicationLoadBalancer, LoadBalancer, NetworkLoadBalancer, TargetHealthCheck
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.outcome import Blocked, Json
from berth.plan.place import unmapped, unsupported

FIELD = "loadBalancers"
CONNECTS_EVERY = 10


@dataclass(frozen=True, slots=True)
class Front:
    """One load balancer, and what it is in this cluster."""

    field: str
    """Where the user wrote it."""
    name: str
    """The name of its objects."""
    container: str
    port: int
    kind: ApplicationLoadBalancer | NetworkLoadBalancer

    @property
    def protocol(self) -> str:
        return self.kind.protocol if isinstance(self.kind, NetworkLoadBalancer) else "TCP"


def fronts(service: str, inputs: Json, platform: Platform) -> list[Front] | Blocked:
    """Each load balancer that a deployment was started with; settings of target groups are in the platform file."""
    found: list[Front] = []
    seen: Counter[str] = Counter()
    for index, one in enumerate(map(LoadBalancer.model_validate, inputs.get("loadBalancers", ()))):
        field = f"{FIELD}[{index}]"
        kind = _kind(one, field, platform)
        if isinstance(kind, Blocked):
            return kind
        plain = names.joined(service, names.dns_label(one.container_name), str(one.container_port))
        seen[plain] += 1
        name = plain if seen[plain] == 1 else names.joined(plain, str(seen[plain]))
        found.append(Front(field, name, one.container_name, one.container_port, kind))
    return found


def _kind(
    balancer: LoadBalancer, field: str, platform: Platform
) -> ApplicationLoadBalancer | NetworkLoadBalancer | Blocked:
    """What leads to the tasks: the Service says it, or the platform for a target group."""
    arn = balancer.target_group_arn or balancer.load_balancer_name or ""
    known = platform.network.target_groups.get(arn)
    given = "targetGroupArn" if balancer.target_group_arn else "loadBalancerName"
    line = f'network.targetGroups."{arn}": {{application: {{gateway: NAME, hosts: [HOST]}}}}'
    found = (known.application or known.network) if known else (balancer.application or balancer.network)
    return found or unmapped(f"{field}.{given}", f"nothing says what {arn} is here", line)


def misnamed(found: Iterable[Front], spec: TaskDefinitionSpec) -> Blocked | None:
    """A load balancer needs a port that its container maps."""
    containers = {one.name: one for one in spec.container_definitions}
    for front in found:
        container = containers.get(front.container)
        if container is None:
            return unsupported(
                f"{front.field}.containerName", f"the task definition has no container {front.container}"
            )
        mapped = {(one.container_port, one.protocol.upper()) for one in container.port_mappings}
        if (front.port, front.protocol) not in mapped:
            wanted = f"{front.port}/{front.protocol.lower()}"
            return unsupported(
                f"{front.field}.containerPort",
                f"the portMappings of container {front.container} have no {wanted}; add it there, or name another",
            )
    return None


def deregistration(found: Iterable[Front], usual: int) -> int:
    """Seconds between a task's leaving its addresses and SIGTERM: the longest that one of its balancers asks for."""
    delays = [usual if one.kind.deregistration_delay is None else one.kind.deregistration_delay for one in found]
    return max(delays, default=usual)


def checked(template: Json, found: Iterable[Front]) -> Json:
    """The template whose containers answer their balancers' checks, where they have none of their own."""
    probes: dict[str, Json] = {}
    for front in found:
        if (probe := _probe(front)) is not None:
            probes.setdefault(names.dns_label(front.container), {"readinessProbe": probe})
    pod: Json = template["spec"]
    containers = {
        part: [one if "readinessProbe" in one else {**one, **probes.get(one["name"], {})} for one in pod[part]]
        for part in ("initContainers", "containers")
        if part in pod
    }
    return {**template, "spec": {**pod, **containers}}


def _probe(front: Front) -> Json | None:
    """A first success is enough, as in a target group: a threshold would hold back every new task."""
    check = front.kind.health_check
    if check is None:
        return {"tcpSocket": {"port": front.port}, "periodSeconds": CONNECTS_EVERY} if front.protocol == "TCP" else None
    asked: Json = (
        {"tcpSocket": {"port": front.port}} if check.path is None else {"httpGet": _request(check, front.port)}
    )
    return {
        **asked,
        "periodSeconds": check.interval,
        "timeoutSeconds": check.timeout,
        "failureThreshold": check.unhealthy_threshold,
    }


def _request(check: TargetHealthCheck, port: int) -> Json:
    scheme = {"scheme": check.protocol} if check.protocol != "HTTP" else {}
    return {"path": check.path, "port": port, **scheme}
