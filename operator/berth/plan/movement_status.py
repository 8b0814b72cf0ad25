"""What a Service says of tasks that move: from dying nodes, to a fallback and back, to the exact split."""

from berth.plan.conditions import State, condition
from berth.plan.fallback import Away
from berth.plan.moment import written
from berth.plan.outcome import Event, Json
from berth.plan.providers import NOT_FOUND, Providers
from berth.plan.rebalance import asked_to_rebalance, value_of
from berth.plan.tasks import Tasks
from berth.plan.world import World

FALLBACK = "CapacityFallback"
ABOUT_TO_GO = "on nodes that are about to go"


def rebalanced(world: World, state: State) -> Json:
    """The value that is answered, from the moment that all tasks are where they should be."""
    before = world.subject.get("status", {}).get("rebalanced")
    if value_of(world) and state.ready:
        return {"rebalanced": value_of(world)}
    return {"rebalanced": before} if before else {}


def deleted_state(providers: Providers) -> State | None:
    """A provider of the strategy is no more: its tasks go to the others, and somebody should say if that is meant."""
    if not providers.deleted:
        return None
    gone = ", ".join(providers.deleted)
    return State(
        NOT_FOUND,
        f"capacityProviderStrategy: there is no CapacityProvider {gone} any more; its tasks move to the others. "
        "Create it again, or take it out of the strategy",
    )


def fallback_condition(world: World, tasks: Tasks, providers: Providers) -> list[Json]:
    """Whether tasks run elsewhere than they belong, for Services that have a provider with a fallback."""
    names_with = [name for name, spec in providers.specs.items() if spec.fallback is not None]
    if not names_with:
        return []
    fallbacks = providers.fallbacks
    moved = [f"{tasks_in_words(state.moved)} of {name} on {fallbacks[name].to}" for name, state in tasks.away.items()]
    if moved:
        state = State("NoPlace", f"{', '.join(moved)}: there was no place", ready=True)
    elif providers.faults:
        state = State("FallbackInvalid", "; ".join(f"{name}: {fault}" for name, fault in providers.faults.items()))
    else:
        state = State("InPlace", "every task is on the provider that the strategy gives it")
    return [condition(world, FALLBACK, state)]


def held_up(tasks: Tasks) -> str:
    """What waits for tasks that no Deployment runs; empty when nothing does."""
    apart, rest = tasks.apart, tasks.rest
    if late := [apart.until[task.uid] for task in apart.out if task.uid in apart.until]:
        are = "that is to go is" if len(late) == 1 else "that are to go are"
        return f"{tasks_in_words(len(late))} {are} protected until {written(max(late))}"
    there = sum(tasks.wanted.values()) + sum(rest.apart.values())
    if rest.apart and there > tasks.desired and not rest.stopped:
        return f"{there - tasks.desired} more than desired, because they are protected"
    return f"{tasks_in_words(len(apart.out))} to go" if apart.out else ""


def movement_told(world: World, tasks: Tasks, providers: Providers, state: State) -> tuple[Event, ...]:
    """One event for each movement that begins, or ends."""
    shown = world.subject.get("status", {}).get("capacityProviders") or ()
    before = {one["capacityProvider"]: one for one in shown}
    found: list[Event] = []
    for provider, count in tasks.dying.items():
        if count > before.get(provider, {}).get("drainingCount", 0):
            message = f"(service {world.name}) replaces {tasks_in_words(count)}{_of(provider)} {ABOUT_TO_GO}."
            found.append(Event("Normal", "TasksDraining", message))
    for provider, fallback in providers.fallbacks.items():
        change = tasks.away.get(provider, Away()).moved - before.get(provider, {}).get("movedCount", 0)
        if change > 0:
            message = (
                f"(service {world.name}) {tasks_in_words(change)} found no place on {provider} for {fallback.after} "
                f"and start on {fallback.to}."
            )
            found.append(Event("Warning", FALLBACK, message))
        elif change < 0:
            message = f"(service {world.name}) {tasks_in_words(-change)} of {provider} left {fallback.to}."
            found.append(Event("Normal", "CapacityReturn", message))
    if asked_to_rebalance(world) and state.ready:
        split = ", ".join(f"{name or 'any node'} {count}" for name, count in tasks.wanted.items())
        found.append(Event("Normal", "Rebalanced", f"(service {world.name}) is split as its strategy says: {split}."))
    return tuple(found)


def tasks_in_words(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _of(provider: str) -> str:
    return f" of {provider}" if provider else ""
