"""schedulingStrategy DAEMON: a DaemonSet per capacity provider, from the same frozen template as a REPLICA's tasks."""

from collections.abc import Mapping
from dataclasses import replace

from berth import names
from berth.api.service import ServiceSpec
from berth.plan import limits
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Child, Json
from berth.plan.service_status import settled
from berth.plan.strategy import Share
from berth.plan.tasks import Tasks, made_from, provider_of, workload
from berth.plan.world import World
from berth.resources import DAEMON_SET


def daemon_tasks(world: World, strategy: tuple[Share, ...], deployment: Deployment) -> Tasks:
    """As many tasks as nodes fit. A provider that left keeps its tasks until those of the others run."""
    live = {provider_of(one): one for one in world.children(DAEMON_SET)}
    counts = {provider: int(one["spec"]["replicas"]) for provider, one in live.items()}
    wanted = {share.provider: counts.get(share.provider, 0) for share in strategy}
    tasks = Tasks(sum(wanted.values()), wanted, {}, live)
    if all(settled(tasks, provider, deployment.name(world.name)) for provider in wanted):
        return tasks
    return replace(tasks, leaving={name: count for name, count in counts.items() if name not in wanted})


def daemon_sets(world: World, spec: ServiceSpec, tasks: Tasks, past: Mapping[int, Deployment]) -> list[Child]:
    current = past[max(past)]
    by_name = {deployment.name(world.name): deployment for deployment in past.values()}
    made = [_daemon_set(world, current, provider, _rolling(spec, count)) for provider, count in tasks.wanted.items()]
    for provider, count in tasks.leaving.items():
        frozen = by_name.get(made_from(tasks.live[provider]), current)
        made.append(_daemon_set(world, frozen, provider, _rolling(spec, count)))
    return made


def _daemon_set(world: World, deployment: Deployment, provider: str, numbers: Json) -> Child:
    manifest = workload(world, deployment, provider, numbers)
    template = manifest["spec"]["template"]
    # Its node is chosen before the scheduler sees the task.
    pod = {key: value for key, value in template["spec"].items() if key != "topologySpreadConstraints"}
    spec: Json = {**manifest["spec"], "template": {**template, "spec": pod}}
    return Child(DAEMON_SET, names.joined(world.name, provider), {**manifest, "spec": spec})


def _rolling(spec: ServiceSpec, count: int) -> Json:
    """Whole tasks, since Kubernetes rounds a percentage up and ECS rounds the healthy tasks up."""
    stopped = max(1, count - limits.lowest(count, spec.deployment_configuration))
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": stopped}}}
