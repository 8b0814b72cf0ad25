"""The labels and taints by which each platform tells its nodes apart, and where a provider's tasks go by them.

Only what a platform always sets is in the table. Where it sets no label on on-demand nodes, these are the ones without
the label of spot. Tasks also tolerate Berth's own taint, which a platform team can put on a pool that nobody taints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from berth import names
from berth.api.capacity_provider import CapacityProviderSpec, Toleration
from berth.plan.outcome import Json
from berth.plan.parts import is_ready

Expression = tuple[str, str, tuple[str, ...]]
"""A label's key, an operator of node affinity, and values."""


@dataclass(frozen=True, slots=True)
class Preset:
    """How the nodes of one kind of capacity look on a platform."""

    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    expressions: tuple[Expression, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    """Taints that the platform, or its usual setup, puts on these nodes."""
    own_taint: bool = True
    """False where nobody can put Berth's taint on a pool."""
    by_profile: bool = False
    """True where the platform picks tasks by their labels and writes their place itself."""


def _equal(key: str, value: str) -> Toleration:
    return Toleration(key=key, value=value, effect="NoSchedule")


CAPACITY_TYPE = "karpenter.sh/capacity-type"
AUTO = {"eks.amazonaws.com/compute-type": "auto"}
# Capacity that was reserved beforehand is on-demand capacity, too.
ON_DEMAND: tuple[Expression, ...] = ((CAPACITY_TYPE, "In", ("on-demand", "reserved")),)
GKE_SPOT = "cloud.google.com/gke-spot"
AKS_SPOT = "kubernetes.azure.com/scalesetpriority"

PRESETS: Mapping[tuple[str, bool], Preset] = {
    ("karpenter", False): Preset(expressions=ON_DEMAND),
    ("karpenter", True): Preset({CAPACITY_TYPE: "spot"}),
    ("eks-managed", False): Preset({"eks.amazonaws.com/capacityType": "ON_DEMAND"}),
    ("eks-managed", True): Preset({"eks.amazonaws.com/capacityType": "SPOT"}),
    ("eks-auto", False): Preset(AUTO, ON_DEMAND),
    ("eks-auto", True): Preset({**AUTO, CAPACITY_TYPE: "spot"}),
    ("eks-fargate", False): Preset(
        {"eks.amazonaws.com/compute-type": "fargate"},
        tolerations=(_equal("eks.amazonaws.com/compute-type", "fargate"),),
        own_taint=False,
        by_profile=True,
    ),
    ("gke", False): Preset(
        expressions=((GKE_SPOT, "NotIn", ("true",)), ("cloud.google.com/gke-preemptible", "NotIn", ("true",)))
    ),
    ("gke", True): Preset({GKE_SPOT: "true"}, tolerations=(_equal(GKE_SPOT, "true"),)),
    # A task that does not ask for spot gets no spot there, and no label says so.
    ("gke-autopilot", False): Preset(own_taint=False),
    ("gke-autopilot", True): Preset({GKE_SPOT: "true"}, tolerations=(_equal(GKE_SPOT, "true"),), own_taint=False),
    ("aks", False): Preset(expressions=((AKS_SPOT, "NotIn", ("spot",)),)),
    ("aks", True): Preset({AKS_SPOT: "spot"}, tolerations=(_equal(AKS_SPOT, "spot"),)),
    ("aks-virtual", False): Preset(
        {"kubernetes.io/os": "linux", "kubernetes.io/role": "agent", "type": "virtual-kubelet"},
        tolerations=(
            Toleration(key="virtual-kubelet.io/provider", operator="Exists"),
            Toleration(key="azure.com/aci", operator="Exists", effect="NoSchedule"),
        ),
        own_taint=False,
    ),
    ("plain", False): Preset(),
    ("plain", True): Preset(),
}
NONE = Preset(own_taint=False)


@dataclass(frozen=True, slots=True)
class Pool:
    """The nodes of one provider: its preset's and its own words together."""

    labels: dict[str, str]
    expressions: tuple[Expression, ...]
    tolerations: tuple[Toleration, ...]
    profile: dict[str, str] | None
    """Labels for the profile that picks its tasks; None where the scheduler finds nodes by the rest."""


def pool_of(name: str, provider: CapacityProviderSpec) -> Pool:
    """The nodes that a provider means."""
    nodes = provider.nodes
    preset = NONE if nodes.preset is None else PRESETS[nodes.preset, provider.spot]
    managed = provider.managed_scaling is not None and provider.managed_scaling.karpenter is not None
    own = {names.CAPACITY_PROVIDER: name} if nodes.preset == "plain" or managed else {}
    tolerations = [*preset.tolerations, *nodes.tolerations]
    if preset.own_taint or managed:
        tolerations.insert(0, _equal(names.CAPACITY_PROVIDER, name))
    return Pool(
        {**preset.labels, **own, **nodes.selector},
        preset.expressions,
        tuple(one for index, one in enumerate(tolerations) if one not in tolerations[:index]),
        dict(nodes.profile_labels) if preset.by_profile else None,
    )


def belongs(node: Json, pool: Pool) -> bool:
    """Whether a node has the labels of the pool."""
    labels: dict[str, str] = node["metadata"].get("labels", {})
    return all(labels.get(key) == value for key, value in pool.labels.items()) and all(
        (labels.get(key) in values) == (operator == "In") for key, operator, values in pool.expressions
    )


def takes_tasks(node: Json, pool: Pool) -> bool:
    """Whether a node is ready, open, and tainted with nothing but what the pool's tasks tolerate."""
    if not is_ready(node) or node["spec"].get("unschedulable", False):
        return False
    return all(
        any(_tolerates(toleration, taint) for toleration in pool.tolerations)
        for taint in node["spec"].get("taints", [])
        if taint["effect"] != "PreferNoSchedule"
    )


def _tolerates(toleration: Toleration, taint: Json) -> bool:
    if toleration.effect not in {None, taint["effect"]} or toleration.key not in {None, taint["key"]}:
        return False
    return toleration.operator == "Exists" or (toleration.value or "") == taint.get("value", "")
