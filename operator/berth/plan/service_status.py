"""What a Service's status says: counts as describe-services prints them, conditions, and ECS's own event texts."""

from collections.abc import Collection, Iterable

from berth import names
from berth.api.daemon import DAEMON
from berth.plan.conditions import State, became, became_ready, blocked_state, common_status
from berth.plan.deployment_record import Deployment
from berth.plan.healthy import healthy
from berth.plan.movement_status import (
    ABOUT_TO_GO,
    deleted_state,
    fallback_condition,
    held_up,
    rebalanced,
    tasks_in_words,
)
from berth.plan.outcome import Blocked, Event, Json
from berth.plan.providers import NOT_FOUND, Providers
from berth.plan.route import unaccepted
from berth.plan.running_task import RunningTask, task_of
from berth.plan.running_task import counts as alive
from berth.plan.task_protection import protection_shown
from berth.plan.tasks import Tasks, made_from, provider_of
from berth.plan.world import World
from berth.resources import DAEMON_SET, DEPLOYMENT, POD


def status(world: World, deployment: Deployment, tasks: Tasks, providers: Providers) -> tuple[State, Json]:
    """The state of a Service that could be planned, and its whole status."""
    state = deleted_state(providers) or _state(world, deployment, tasks)
    common = common_status(world, state)
    common["conditions"] += fallback_condition(world, tasks, providers)
    common["conditions"] += protection_shown(world, daemon=world.subject["spec"].get("schedulingStrategy") == DAEMON)
    live = [*world.children(DEPLOYMENT), *world.children(DAEMON_SET)]
    apart = [task_of(pod) for pod in world.children(POD) if alive(pod)]
    shown: Json = {
        **common,
        "taskDefinition": deployment.inputs["taskDefinition"],
        "desiredCount": tasks.desired,
        **counted(world),
        "selector": f"{names.SERVICE}={world.name}",
        "capacityProviders": _by_provider(tasks, live, apart),
        **rebalanced(world, state),
    }
    return state, shown


def blocked_status(world: World, blocked: Blocked) -> Json:
    """What was true stays in sight, with the counts of the tasks that go on running."""
    before = dict(world.subject.get("status", {}))
    live = [*world.children(DEPLOYMENT), *world.children(DAEMON_SET)]
    asked = sum(int(one["spec"].get("replicas", 0)) for one in world.children(DAEMON_SET))
    if world.subject["spec"].get("schedulingStrategy") != DAEMON:
        asked = world.subject["spec"].get("desiredCount", 1)
    return {
        **before,
        **common_status(world, blocked_state(blocked)),
        **_with(_counts(live), [task_of(pod) for pod in world.children(POD) if alive(pod)]),
        # An older CRD may have let in what is no number; the schema of the status would refuse it.
        **({"desiredCount": asked} if isinstance(asked, int) else {}),
        "selector": f"{names.SERVICE}={world.name}",
    }


def told(world: World, state: State | Blocked) -> tuple[Event, ...]:
    """One event for each change: ECS's words where ECS has them."""
    if isinstance(state, Blocked):
        state = blocked_state(state)
        return (Event("Warning", state.reason, state.message),) if became(world, state) else ()
    if became_ready(world, state):
        return (Event("Normal", "SteadyState", f"(service {world.name}) has reached a steady state."),)
    if state.reason in {IMPAIRED, NOT_FOUND} and became(world, state):
        return (Event("Warning", state.reason, state.message),)
    return ()


IMPAIRED = "TaskStartImpaired"


def _state(world: World, deployment: Deployment, tasks: Tasks) -> State:
    if world.not_owned:
        return State(
            "NotOwned",
            f"{', '.join(world.not_owned)} exists and is not this Service's: rename the Service, or delete that object",
            stalled=True,
        )
    if fault := _fault(tasks.live):
        return State(IMPAIRED, f"(service {world.name}) is unable to consistently start tasks successfully: {fault}")
    if tasks.dying:
        dying = sum(tasks.dying.values())
        return State("Draining", f"{_progress(world, deployment, tasks)}; {tasks_in_words(dying)} {ABOUT_TO_GO}")
    held = held_up(tasks)
    moves = tasks.leaving or tasks.rest.stopped
    if held or moves or not all(settled(tasks, provider, deployment.name(world.name)) for provider in tasks.wanted):
        return State("InProgress", "; ".join(filter(None, (_progress(world, deployment, tasks), held))))
    if fault := unaccepted(world):
        return State("RouteNotAccepted", fault)
    return State("SteadyState", f"(service {world.name}) has reached a steady state.", ready=True)


def _progress(world: World, deployment: Deployment, tasks: Tasks) -> str:
    running = _with(_counts(tasks.live.values()), tasks.apart.alone)["runningCount"]
    newest = sum(one.deployment == deployment.name(world.name) for one in tasks.apart.alone)
    newest += sum(
        int(one.get("status", {}).get("updatedReplicas", 0))
        for one in tasks.live.values()
        if made_from(one) == deployment.name(world.name)
    )
    return f"{running} tasks run of {tasks.desired} desired; {newest} are of {deployment.inputs['taskDefinition']}"


def settled(tasks: Tasks, provider: str, record: str) -> bool:
    """Whether a provider runs what it should, and nothing else."""
    live, count = tasks.live.get(provider), tasks.wanted[provider]
    if live is not None and (apart := tasks.apart.staying.get(provider)):
        whole = made_from(live) == record and all(task.ready for task in apart)
        return whole and _settled_beside(live, count, len(apart))
    if live is None or live["spec"].get("replicas") != count or made_from(live) != record:
        return False
    seen = live.get("status", {})
    if healthy(live) != count:
        return False
    return seen.get("observedGeneration") == live["metadata"].get("generation") and all(
        seen.get(field, 0) == count for field in ("replicas", "updatedReplicas")
    )


def _settled_beside(live: Json, count: int, apart: int) -> bool:
    """Where tasks have left a Deployment, others that it started for them for a moment unsettle nothing."""
    seen = live.get("status", {})
    there = int(seen.get("replicas", 0))
    asked = int(live["spec"].get("replicas", 0))
    return all(count <= number <= count + apart for number in (there, asked)) and (
        healthy(live) >= count and seen.get("updatedReplicas", 0) == there
    )


def _fault(live: dict[str, Json]) -> str:
    """What Kubernetes says of a Deployment that cannot make pods or makes no progress."""
    for provider, one in live.items():
        for condition in one.get("status", {}).get("conditions", []):
            failed = condition["type"] == "ReplicaFailure" and condition["status"] == "True"
            late = condition["type"] == "Progressing" and condition["status"] == "False"
            if failed or late:
                return f"on {provider or 'any node'}: {condition.get('message', condition['reason'])}"
    return ""


def counted(world: World) -> dict[str, int]:
    """The tasks of all Deployments, and those that no Deployment runs."""
    live = [*world.children(DEPLOYMENT), *world.children(DAEMON_SET)]
    return _with(_counts(live), [task_of(pod) for pod in world.children(POD) if alive(pod)])


def _with(counts: dict[str, int], apart: Collection[RunningTask]) -> dict[str, int]:
    ready = sum(one.ready for one in apart)
    return {
        "runningCount": counts["runningCount"] + ready,
        "pendingCount": counts["pendingCount"] + len(apart) - ready,
    }


def _counts(live: Iterable[Json]) -> dict[str, int]:
    seen = [one.get("status", {}) for one in live]
    running = sum(int(each.get("readyReplicas", 0)) for each in seen)
    return {"runningCount": running, "pendingCount": sum(int(each.get("replicas", 0)) for each in seen) - running}


def _by_provider(tasks: Tasks, live: Iterable[Json], apart: Iterable[RunningTask]) -> list[Json]:
    return [
        {
            "capacityProvider": provider,
            "desiredCount": count + tasks.rest.apart.get(provider, 0),
            **_with(
                _counts(one for one in live if provider_of(one) == provider),
                [one for one in apart if one.provider == provider],
            ),
            **({"drainingCount": tasks.dying[provider]} if provider in tasks.dying else {}),
            **({"movedCount": tasks.away[provider].moved} if provider in tasks.away else {}),
        }
        for provider, count in {**tasks.wanted, **tasks.leaving}.items()
    ]
