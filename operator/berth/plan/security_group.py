"""securityGroups: labels of the tasks in a group, and a NetworkPolicy with the group's rules from the platform file."""

from collections.abc import Iterable, Iterator

from berth import names
from berth.adapters import Platform
from berth.api.network import NetworkConfiguration
from berth.network_adapters import Traffic
from berth.plan.deployment_record import Deployment
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import unmapped
from berth.plan.world import World
from berth.resources import NETWORK_POLICY

FIELD = "networkConfiguration.awsvpcConfiguration.securityGroups"
NAMESPACE = "kubernetes.io/metadata.name"


def groups_of(inputs: Json) -> list[str]:
    """The groups that a deployment's tasks are in, by what it was started for."""
    given = NetworkConfiguration.model_validate(inputs.get("networkConfiguration") or {})
    inner = given.awsvpc_configuration
    return list(dict.fromkeys(inner.security_groups or ())) if inner else []


def unknown(groups: Iterable[str], platform: Platform) -> Blocked | None:
    """A group that nobody explained, or whose rules nobody would enforce, is never left out in silence."""
    for group in groups:
        known = platform.network.security_groups.get(group)
        if known is None:
            line = f"network.securityGroups.{group}: {{ingress: [{{cidrs: [CIDR], ports: [{{port: PORT}}]}}]}}"
            return unmapped(FIELD, f"nothing says what {group} is here", line)
        if known.has_rules and not platform.network.enforces_policies:
            what = f"{group} has rules, and nothing says that this cluster enforces NetworkPolicies"
            return unmapped(FIELD, what, "network.enforcesPolicies: true")
    return None


def labels(groups: Iterable[str], platform: Platform) -> dict[str, str]:
    """What tasks of these groups carry; all of them must be known."""
    found: dict[str, str] = {}
    for group in groups:
        found |= {**platform.network.security_groups[group].pod_labels, names.security_group(group): ""}
    return found


def policies(world: World, past: Iterable[Deployment]) -> list[Child]:
    """One for each group with rules that a remembered deployment was in: its last tasks, and hooks, may still run."""
    known = world.settings.platform.network.security_groups
    deployments = list(past)
    made: list[Child] = []
    for label, those in ((names.SERVICE, deployments), (names.HOOK, [one for one in deployments if one.hooks])):
        groups = dict.fromkeys(group for one in those for group in groups_of(one.inputs))
        made += [_policy(world, group, label) for group in groups if group in known and known[group].has_rules]
    return made


def _policy(world: World, group: str, label: str) -> Child:
    known = world.settings.platform.network.security_groups[group]
    spec: Json = {"podSelector": {"matchLabels": {label: world.name, names.security_group(group): ""}}}
    kinds: list[str] = []
    if known.ingress is not None:
        kinds.append("Ingress")
        spec["ingress"] = [_rule(one, "from") for one in known.ingress]
    if known.egress is not None:
        kinds.append("Egress")
        spec["egress"] = [_rule(one, "to") for one in known.egress]
    manifest: Json = {"metadata": {"labels": names.service_labels(world.name)}, "spec": {**spec, "policyTypes": kinds}}
    whose = "hooks" if label == names.HOOK else ""
    return Child(NETWORK_POLICY, names.joined(world.name, whose, names.dns_label(group)), manifest)


def _rule(traffic: Traffic, direction: str) -> Json:
    rule: Json = {}
    if peers := list(_peers(traffic)):
        rule[direction] = peers
    if traffic.ports:
        rule["ports"] = [
            {"port": one.port, **({"endPort": one.end_port} if one.end_port else {}), "protocol": one.protocol}
            for one in traffic.ports
        ]
    return rule


def _peers(traffic: Traffic) -> Iterator[Json]:
    yield from ({"ipBlock": {"cidr": one}} for one in traffic.cidrs)
    there: Json = {}
    if traffic.namespaces:
        chosen = {"key": NAMESPACE, "operator": "In", "values": list(traffic.namespaces)}
        there = {"namespaceSelector": {"matchExpressions": [chosen]}}
    for group in traffic.security_groups:
        yield {**there, "podSelector": {"matchLabels": {names.security_group(group): ""}}}
    if there and not traffic.security_groups:
        yield there
