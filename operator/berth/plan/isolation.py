"""networkMode none: a NetworkPolicy that lets nothing in or out, where the platform says that policies are enforced."""

from collections.abc import Iterable

from berth import names
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import Place, unmapped
from berth.plan.translation import Around, Translation
from berth.plan.world import World
from berth.resources import NETWORK_POLICY

NONE = "none"


def _none(value: object, _: Around) -> bool:
    return value == NONE


TRANSLATIONS = (
    Translation(
        "networkMode",
        "Close",
        "a NetworkPolicy that denies all",
        "nothing goes in or out, but the task still has an address, and its own node's kubelet reaches it; "
        "the platform must say that the cluster enforces NetworkPolicies",
        when=_none,
    ),
)


def label(spec: TaskDefinitionSpec) -> dict[str, str]:
    """What the policy finds tasks by."""
    return {names.NETWORK: NONE} if spec.network_mode == NONE else {}


def unenforced(spec: TaskDefinitionSpec, place: Place) -> Blocked | None:
    """A policy that nobody enforces would leave the task its network, without a word."""
    if spec.network_mode != NONE or place.platform.network.enforces_policies:
        return None
    what = "nothing says that this cluster enforces NetworkPolicies, and without them the task would have a network"
    return unmapped("networkMode none", what, "network.enforcesPolicies: true")


def policies(world: World, deployments: Iterable[Deployment]) -> list[Child]:
    """The policy of a Service, as long as it remembers a deployment of tasks without a network: they may still run."""
    past = list(deployments)
    tasks = [one.template for one in past]
    hooks = [hook["template"] for one in past for hook in one.hooks]
    return [
        *_policy(world, tasks, names.SERVICE, "no-network"),
        *_policy(world, hooks, names.HOOK, "hooks-no-network"),
    ]


def _policy(world: World, templates: list[Json], label: str, name: str) -> list[Child]:
    if not any(one["metadata"]["labels"].get(names.NETWORK) == NONE for one in templates):
        return []
    shown = {names.MANAGED_BY: names.FIELD_MANAGER, names.APP_NAME: world.name, names.SERVICE: world.name}
    manifest: Json = {
        "metadata": {"labels": shown},
        "spec": {
            "podSelector": {"matchLabels": {label: world.name, names.NETWORK: NONE}},
            "policyTypes": ["Ingress", "Egress"],
        },
    }
    return [Child(NETWORK_POLICY, names.joined(world.name, name), manifest)]
