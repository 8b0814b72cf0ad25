"""Which containers are restarted, and what restarts with them, as far as the cluster lets a task say so."""

from berth.api.container import ContainerDefinition
from berth.plan.features import CONTAINER_RESTART_RULES, RESTART_ALL_CONTAINERS
from berth.plan.outcome import Json
from berth.plan.translation import Around, Translation

RESTART_POLICY = "containerDefinitions[].restartPolicy"
# Every exit code: a rule names codes, so it takes two to name all.
EVERY = ({"operator": "NotIn", "values": [255]}, {"operator": "In", "values": [255]})


def _not_here(value: object, around: Around) -> bool:
    return bool(value) and CONTAINER_RESTART_RULES not in around.features


def _whole(value: object, around: Around) -> bool:
    return (
        bool(value)
        and RESTART_ALL_CONTAINERS in around.features
        and len(around.task.get("containerDefinitions", ())) > 1
    )


def _essential(value: object, _: Around) -> bool:
    return bool(value)


def _ends(value: object, around: Around) -> bool:
    """Another container waits for its end: dependsOn tells what becomes of it."""
    name = around.container.get("name")
    return value is False and any(
        edge.get("containerName") == name and edge.get("condition") in {"COMPLETE", "SUCCESS"}
        for one in around.task.get("containerDefinitions", ())
        for edge in one.get("dependsOn") or ()
    )


def _not_essential(value: object, _: Around) -> bool:
    return value is False


TRANSLATIONS = (
    Translation(
        "containerDefinitions[].essential",
        "Close",
        "restartPolicyRules: RestartAllContainers",
        "when the container stops, all containers of the task are started anew in their place; ECS replaces the task",
        when=_whole,
    ),
    Translation(
        "containerDefinitions[].essential",
        "Close",
        "a container that the kubelet restarts",
        "a container that stops is restarted in its task; ECS replaces the task",
        when=_essential,
    ),
    Translation("containerDefinitions[].essential", "Exact", "an init container, which ends", when=_ends),
    Translation(
        "containerDefinitions[].essential",
        "Close",
        "a native sidecar",
        "it starts before the essential containers and stops after them; when it stops it is restarted, where ECS "
        "would leave it stopped, and until it runs again the task gets no requests; one that is to end belongs into "
        "another container's dependsOn (SUCCESS or COMPLETE)",
        when=_not_essential,
    ),
    Translation(
        f"{RESTART_POLICY}.ignoredExitCodes",
        "LeftOut",
        "nothing: the cluster has no ContainerRestartRules",
        "the container is restarted after every exit code, because the cluster has no rules for restarts",
        when=_not_here,
    ),
    Translation(f"{RESTART_POLICY}.ignoredExitCodes", "Exact", "restartPolicyRules"),
    Translation(
        f"{RESTART_POLICY}.restartAttemptPeriod",
        "Close",
        "the kubelet's own waiting",
        "restarts come at once at first and then ever later, up to 5 minutes apart, and never stop",
    ),
    Translation(f"{RESTART_POLICY}.enabled", "Exact", "the kubelet restarts containers"),
    Translation(RESTART_POLICY, "Exact", "the kubelet restarts containers"),
)


def restarts(definition: ContainerDefinition, features: frozenset[str], *, alone: bool) -> Json:
    """A main container's own policy; nothing where Always, the pod's, says the same."""
    policy = definition.restart_policy
    enabled = policy is not None and policy.enabled
    ignored = sorted(set(policy.ignored_exit_codes or ())) if policy is not None and enabled else []
    rules: list[Json] = []
    whole = RESTART_ALL_CONTAINERS in features and definition.essential and not alone
    if ignored and CONTAINER_RESTART_RULES in features:
        rules.append({"action": "Restart", "exitCodes": {"operator": "NotIn", "values": ignored}})
        if whole:
            rules.append({"action": RESTART_ALL_CONTAINERS, "exitCodes": {"operator": "In", "values": ignored}})
    elif whole and not enabled:
        rules = [{"action": RESTART_ALL_CONTAINERS, "exitCodes": codes} for codes in EVERY]
    return {"restartPolicy": "Never", "restartPolicyRules": rules} if rules else {}
