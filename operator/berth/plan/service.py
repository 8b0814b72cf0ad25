"""A Service: one Deployment per capacity provider, one address, one autoscaler, and a record of what it deploys."""

from dataclasses import dataclass, replace

from pydantic import ValidationError

from berth import names
from berth.api.service import ServiceSpec
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan import deployment_record as records
from berth.plan import ports, secret_change, security_group
from berth.plan.alarms import unreadable
from berth.plan.auto_scaling import autoscaler
from berth.plan.cluster_defaults import Settled, of_cluster, settled
from berth.plan.conditions import invalid_spec
from berth.plan.course import Course
from berth.plan.deployment_record import Deployment
from berth.plan.disruption_budget import disruption_budget
from berth.plan.equipment import equipped
from berth.plan.fargate import unfit
from berth.plan.first_task import found_images
from berth.plan.front import asked, demand, front
from berth.plan.grace_period import graced
from berth.plan.history import forced, needed, remembered, slot_of_next, to_run
from berth.plan.hook_task import with_hooks
from berth.plan.image_digest import to_pin
from berth.plan.isolation import policies
from berth.plan.lifecycle import Position, Seen, position, step
from berth.plan.lifecycle_hook import kept as hook_jobs
from berth.plan.lifecycle_stage import Underway
from berth.plan.movement_status import movement_told
from berth.plan.outcome import Blocked, Child, Json, Plan
from berth.plan.place import place_of
from berth.plan.placement import placement
from berth.plan.providers import Providers, providers_of
from berth.plan.refusals import refused
from berth.plan.revision import Revision, revision_of
from berth.plan.rollout_state import judged
from berth.plan.service_placement import asked_placement, clashing, misplaced
from berth.plan.service_status import blocked_status, status, told
from berth.plan.strategy import strategy_of
from berth.plan.task_protection import protection_told
from berth.plan.task_set import AskedFor, Sets, left_over, running_records, sets_of, task_set
from berth.plan.task_template import task_template
from berth.plan.tasks import live_in
from berth.plan.traffic import has_shifted, traffic_of
from berth.plan.traffic import refused as refused_shift
from berth.plan.world import World
from berth.plan.zone_rebalancing import Look, rebalanced
from berth.resources import CONTROLLER_REVISION


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a Service asks for, with all that it refers to found."""

    spec: ServiceSpec
    past: dict[int, Deployment]
    asked: Deployment
    """The deployment that the spec asks for."""
    deployment: Deployment
    """The one that is to run: the same, or what stands in for it since it failed."""
    providers: Providers
    position: Position
    """Where that one stands in its lifecycle."""
    sets: Sets
    """What has tasks."""

    @property
    def in_stage(self) -> int:
        """The number of the deployment whose gates are asked; 0 while none's are."""
        return 0 if self.position.over else self.deployment.number


def plan(world: World) -> Plan:
    """What must exist for a Service, and what its status says. No I/O, no clock."""
    wanted = read(world)
    if isinstance(wanted, Blocked):
        return Plan(children=None, status=blocked_status(world, wanted), events=told(world, wanted))
    past = wanted.past | {wanted.deployment.number: wanted.deployment}
    sets, where = wanted.sets, wanted.position
    traffic = traffic_of(past, where, sets.own or wanted.deployment, sets.other)
    fronts = front(world, traffic)
    if isinstance(fronts, Blocked):
        return Plan(children=None, status=blocked_status(world, fronts), events=told(world, fronts))
    beside = names.other_slot(wanted.deployment.slot)
    ahead = wanted.deployment.name(world.name) if where.held else ""
    asked_for = AskedFor(wanted.spec, wanted.providers, frozenset() if sets.other else frozenset({beside}), ahead)
    made = [task_set(world, asked_for, one, past) for one in sets.all]
    main = made[-1] if made else task_set(world, asked_for, wanted.deployment, past)
    left = [] if sets.other else left_over(world, wanted.spec, past, beside)
    workloads = [child for one in made for child in one.children] + left
    # The policies first: a task without a network never has one.
    children = [*policies(world, past.values()), *security_group.policies(world, past.values())]
    # Of two sets the one that comes must not be in anybody's address before it is its turn.
    children += [*fronts, *workloads] if traffic.slot else [*workloads, *fronts]
    state, shown = status(world, main.deployment, main.tasks, wanted.providers)
    shown["conditions"] += secret_change.unseen(world, wanted.spec, wanted.asked)
    seen = (
        Seen(state.ready, has_shifted(world, fronts), not live_in(world, beside)) if traffic.slot else Seen(state.ready)
    )
    stage = step(world, where, seen)
    steady = state.ready and stage.done
    zones = rebalanced(world, Look(wanted.spec, main.deployment, main.tasks, steady=steady))
    course = Course(wanted.spec, wanted.asked, wanted.deployment, past, main.tasks, stage, steady, sets.other)
    state, shown = zones.state(world, state), {**shown, **zones.shown}
    verdict = judged(world, course, state, shown)
    waits = [verdict.again, zones.again, secret_change.again(world, wanted.spec, wanted.past)]
    waits += [one.tasks.again for one in made]
    # A first deployment replaces nothing.
    deploying = len(past) > 1 and verdict.status["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    children += autoscaler(world, wanted.spec, deploying=deploying)
    children += disruption_budget(world, wanted.spec, wanted.providers.specs.values(), sets)
    # The records first: a template is frozen before it runs.
    return Plan(
        children=(*history(world, wanted), *children, *hook_jobs(world, past, wanted.in_stage), *stage.children),
        status=verdict.status,
        events=(
            *told(world, verdict.state),
            *verdict.events,
            *movement_told(world, main.tasks, wanted.providers, state),
            *zones.events,
            *protection_told(world, verdict.status),
        ),
        again=min((one for one in waits if one is not None), default=None),
        marks=tuple(mark for one in made for mark in one.tasks.marks),
        takes=tuple(take for one in made for take in one.tasks.apart.takes()),
        removals=tuple(removal for one in made for removal in one.tasks.removals),
    )


def read(world: World) -> Wanted | Blocked:
    """The Service's wish with everything that it names, or the sentence that says what is missing."""
    past = records.recorded(world.children(CONTROLLER_REVISION))
    latest = past[max(past)] if past else None
    taken = _taken(world, latest)
    if isinstance(taken, Blocked):
        return taken
    spec = taken.spec
    revision = revision_of(world, spec.task_definition, latest)
    if isinstance(revision, Blocked):
        return revision
    deployment = revision if isinstance(revision, Deployment) else _of(world, spec, revision, past)
    if isinstance(deployment, Blocked):
        return deployment
    content = revision.spec if isinstance(revision, Revision) else None
    ran_on = {provider for one in past.values() for provider in one.placements}
    providers = providers_of(world, strategy_of(spec), ran_on)
    if isinstance(providers, Blocked):
        return providers
    running = to_run(world, deployment, past)
    running = replace(running, default_strategy=taken.default)
    content = content if running.number == deployment.number else None
    entry = remembered(world).get(running.name(world.name))
    underway = Underway(spec, running, "SCALE_UP", back=running.number != deployment.number)
    where = position(world, underway, entry)
    wanted = Wanted(spec, past, deployment, running, providers, where, sets_of(world, past, running, where))
    joined = _joined(world, wanted, running, content)
    if isinstance(joined, Blocked):
        return joined
    return _with_sets(world, joined, running)


def _with_sets(world: World, wanted: Wanted, running: Deployment) -> Wanted | Blocked:
    """What goes on beside the deployment that is to run may need a place with a provider that has just joined, too."""
    found: list[Deployment | None] = []
    for one in (wanted.sets.own, wanted.sets.other):
        if one is None or one is running:
            found.append(wanted.deployment if one is running else None)
            continue
        joined = _joined(world, wanted, one, None)
        if isinstance(joined, Blocked):
            return joined
        found.append(joined.deployment)
    return replace(wanted, sets=Sets(*found))


def _taken(world: World, latest: Deployment | None) -> Settled | Blocked:
    """The Service's own words, completed by its Cluster."""
    try:
        spec = ServiceSpec.model_validate(world.subject["spec"])
    except ValidationError as error:
        return invalid_spec(error)
    return misplaced(world, spec) or refused_shift(world, spec, asked(spec)) or settled(world, spec, latest)


def history(world: World, wanted: Wanted) -> list[Child]:
    """The records of the newest deployments and of those that still have tasks; older ones go."""
    objects, made_from = world.children(CONTROLLER_REVISION), running_records(world)
    sets = {one.number: one for one in (*wanted.sets.all, wanted.deployment)}
    numbers = set(sorted(wanted.past)[-world.settings.deployment_history :])
    numbers |= {number for number, one in wanted.past.items() if one.name(world.name) in made_from}
    numbers |= set(needed(world, wanted.past, wanted.deployment)) | sets.keys()
    children = records.kept(world.name, objects, numbers)
    for one in sets.values():
        children += _news(world, wanted, one)
    return children


def _news(world: World, wanted: Wanted, current: Deployment) -> list[Child]:
    """The record of a deployment that begins, or what has joined one that was recorded before."""
    before = wanted.past.get(current.number)
    if before is None:
        return [records.record(world.name, current)]
    new = [provider for provider in current.placements if provider not in before.placements]
    children = [records.supplement(world.name, before, provider, current.placements[provider]) for provider in new]
    if current.default_strategy and not before.default_strategy:
        children.insert(0, records.default_taken(world.name, before, current.default_strategy))
    if images := found_images(world, before):
        children.append(records.images_found(world.name, before, images))
    return children


def _of(world: World, spec: ServiceSpec, revision: Revision, past: dict[int, Deployment]) -> Deployment | Blocked:
    """The latest deployment if it runs this revision, or else a new one, frozen from here on."""
    number = max(past, default=0)
    inputs: Json = {"taskDefinition": revision.name}
    if spec.volume_configurations:
        configurations = spec.volume_configurations
        inputs["volumeConfigurations"] = [one.model_dump(by_alias=True, exclude_none=True) for one in configurations]
    inputs |= asked(spec)
    inputs |= forced(spec, past)
    inputs |= secret_change.changed(world, spec, past)
    if past and past[number].started_for(inputs):
        return past[number]
    if blocked := unreadable(world, spec):
        return blocked
    if blocked := refused(world, revision.spec):
        return replace(blocked, message=f"task definition {revision.name}: {blocked.message}", stalled=False)
    demanded = demand(world, revision.spec, inputs)
    if isinstance(demanded, Blocked):
        return demanded
    features = frozenset(world.settings.features or ())
    made = task_template(revision.spec, world.name, features, demanded.deregistration_seconds)
    template = of_cluster(world, spec, graced(demanded.met_by(made), spec.health_check_grace_period_seconds))
    equipment = equipped(template, revision.spec, place_of(world), tuple(spec.volume_configurations))
    if isinstance(equipment, Blocked):
        return equipment
    equipment["metadata"].setdefault("annotations", {})[names.DEPLOYMENT] = names.deployment_record(
        world.name, number + 1
    )
    opened, strategy = ports.of_the_address(revision.spec), spec.deployment_configuration.strategy
    slot = slot_of_next(world, spec, past)
    # Whoever runs a second set of tasks, or one on each node, has no first task.
    plain = strategy == "ROLLING" and not spec.is_daemon
    pins = to_pin(revision.spec.container_definitions, world.settings.version_consistency) if plain else ()
    return Deployment(number + 1, inputs, equipment, opened, {}, slot=slot, strategy=strategy, pins=pins)


def _joined(
    world: World, wanted: Wanted, deployment: Deployment, content: TaskDefinitionRevisionSpec | None
) -> Wanted | Blocked:
    """A deployment with a placement for each provider and for where tasks go from it; those it has are frozen."""
    wanted = replace(wanted, deployment=deployment)
    placements: dict[str, Json] = dict(deployment.placements)
    for name in (share.provider for share in wanted.providers.strategy):
        if name not in placements:
            where = _placement(world, wanted, content, name)
            if isinstance(where, Blocked):
                return where
            placements[name] = where
    faults = dict(wanted.providers.faults)
    for name, fallback in wanted.providers.fallbacks.items():
        if fallback.to not in placements:
            where = _placement(world, wanted, content, fallback.to)
            if isinstance(where, Blocked):
                faults[name] = where.message
            else:
                placements[fallback.to] = where
    deployment, providers = replace(deployment, placements=placements), replace(wanted.providers, faults=faults)
    if content is not None and deployment.number not in wanted.past:
        # One that begins takes the hooks that the Service has then.
        hooked = with_hooks(world, wanted.spec, deployment, (content, providers))
        if isinstance(hooked, Blocked):
            return hooked
        deployment = hooked
    return replace(wanted, deployment=deployment, providers=providers)


def _placement(world: World, wanted: Wanted, content: TaskDefinitionRevisionSpec | None, name: str) -> Json | Blocked:
    """Where the deployment's tasks run on a provider, or why they cannot."""
    provider = wanted.providers.specs.get(name)
    volumes = wanted.deployment.inputs.get("volumeConfigurations", [])
    if provider and content and (fault := unfit(content, name, provider, volumes)):
        return fault
    where = asked_placement(world, wanted.spec, provider, placement(name, provider))
    if isinstance(where, Blocked):
        return where
    return clashing(wanted.spec, wanted.deployment.template, where) or where
