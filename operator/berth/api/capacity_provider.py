"""CapacityProvider: where tasks run. It belongs to the platform team, so it is cluster-scoped."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.condition import Condition
from berth.api.fallback import Fallback
from berth.api.kind import AGE, MESSAGE, READY, Column, Kind, name_rule
from berth.api.managed_scaling import PROVIDER_RULES, WITHOUT_NODES, ManagedScaling, ManagedScalingStatus
from berth.api.schema import Rule, Shape, list_map

LabelKey = Annotated[str, Field(max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]


class Toleration(Shape):
    """A taint that tasks of this provider put up with, in Kubernetes' own shape."""

    key: Annotated[str, Field(max_length=317)] | None = None
    """The taint's key; without one (and operator Exists) every taint is tolerated."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Equal compares the value, Exists does not."""
    value: Annotated[str, Field(max_length=63)] | None = None
    """The taint's value, with operator Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; without one every effect of the key is tolerated."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.key) || self.operator == 'Exists'",
            message="key is required unless operator is Exists",
            holds=lambda self: self.key is not None or self.operator == "Exists",
        ),
        Rule(
            cel="!(has(self.value) && self.operator == 'Exists')",
            message="value has no meaning with operator Exists: leave it out, or use operator Equal",
            holds=lambda self: not (self.value is not None and self.operator == "Exists"),
        ),
    )


PRESET = Literal[
    "karpenter", "eks-managed", "eks-auto", "eks-fargate", "gke", "gke-autopilot", "aks", "aks-virtual", "plain"
]


class Nodes(Shape):
    """The nodes that belong to a provider."""

    preset: PRESET | None = None
    """The platform whose labels and taints tell on-demand and spot nodes apart; plain is the label and taint `berth.dev/capacity-provider=<name>` on any cluster. docs/capacity.md has the table."""  # noqa: E501
    selector: Annotated[dict[LabelKey, LabelValue], Field(max_length=16)] = Field(default_factory=dict[str, str])
    """Labels that a node must carry for tasks of this provider to run on it; added to the preset's."""
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list[Toleration])
    """Taints of those nodes, which keep everybody else away; added to the preset's."""
    profile_labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=16)] = Field(default_factory=dict[str, str])
    """With preset eks-fargate: labels that tasks get so that the selector of a Fargate profile finds them. They carry `berth.dev/capacity-provider=<name>` anyway."""  # noqa: E501
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.preset) || self.preset != 'eks-fargate' || "
            "(self.selector.size() == 0 && self.tolerations.size() == 0)",
            message="selector and tolerations have no meaning with preset eks-fargate: EKS chooses Fargate's pods "
            "by the labels that a Fargate profile selects; put those into profileLabels",
            holds=lambda self: self.preset != "eks-fargate" or not (self.selector or self.tolerations),
        ),
        Rule(
            cel="self.profileLabels.size() == 0 || (has(self.preset) && self.preset == 'eks-fargate')",
            message="profileLabels belong to preset eks-fargate: choose other nodes by selector",
            holds=lambda self: not self.profile_labels or self.preset == "eks-fargate",
        ),
    )


class CapacityProviderSpec(Shape):
    """Where tasks run, and whose rules hold there."""

    type: Literal["FARGATE", "EC2"]
    """FARGATE: task definitions must have one of Fargate's sizes and no access to the host. EC2: any size."""
    spot: bool = False
    """True when the nodes can be taken away at short notice."""
    managed_draining: Literal["ENABLED", "DISABLED"] = "ENABLED"
    """ENABLED: tasks on a node that is about to go are replaced before it ends. DISABLED: they end with it."""
    fallback: Fallback | None = None
    """Where tasks start that find no place here, and when they come back. Without it they wait."""
    nodes: Nodes = Nodes()
    """The nodes that belong to this provider; without a preset and a selector any node will do."""
    managed_scaling: ManagedScaling | None = None
    """Brings nodes for the tasks and takes them away; left out, whoever runs the nodes does."""
    managed_termination_protection: Literal["ENABLED", "DISABLED"] | None = None
    """ENABLED: nodes are not taken away for want of work while tasks run on them. Counts for deployments that start after it."""  # noqa: E501
    rules: ClassVar[tuple[Rule, ...]] = (
        *PROVIDER_RULES,
        Rule(
            cel=f"!self.spot || !has(self.nodes.preset) || !(self.nodes.preset in {list(WITHOUT_NODES)})",
            message="spot: EKS has no Fargate Spot, and AKS's virtual nodes have none either; "
            "take preset karpenter, eks-managed or aks for spot",
            holds=lambda self: not self.spot or self.nodes.preset not in WITHOUT_NODES,
        ),
        Rule(
            cel=f"self.type == 'FARGATE' || !has(self.nodes.preset) || !(self.nodes.preset in {list(WITHOUT_NODES)})",
            message="type: with presets eks-fargate and aks-virtual Fargate's rules hold, so write type: FARGATE",
            holds=lambda self: self.type == "FARGATE" or self.nodes.preset not in WITHOUT_NODES,
        ),
    )


class Resources(Shape):
    """An amount of compute."""

    cpu: Annotated[str, Field(max_length=32)]
    """Cores, as Kubernetes writes them: 7500m is seven and a half."""
    memory: Annotated[str, Field(max_length=32)]
    """Memory, as Kubernetes writes it."""


class CapacityProviderStatus(Shape):
    """What the provider has."""

    observed_generation: int | None = None
    """The generation of the spec that this status was computed for."""
    nodes: int | None = None
    """Nodes that belong to the provider and are ready for tasks."""
    zones: list[str] | None = None
    """Zones in which these nodes are; where availabilityZoneRebalancing moves tasks to."""
    allocatable: Resources | None = None
    """What these nodes have for pods."""
    reserved: Resources | None = None
    """What tasks on them ask for, those of other providers and of none included."""
    running_tasks_count: int | None = None
    """Tasks of this provider that run, in all namespaces."""
    waiting_tasks_count: int | None = None
    """Tasks of this provider for which the scheduler finds no node."""
    interruptions: int | None = None
    """Nodes of this provider that were seen to be taken away by their platform, since it was created."""
    interrupted_nodes: list[str] | None = None
    """Nodes that are being taken away now; a hundred at most are named."""
    capacity_provider_reservation: int | None = None
    """ECS's metric: nodes that the tasks need, in percent of the nodes that there are. Above 100 nodes are missing, below 100 some are idle."""  # noqa: E501
    managed_scaling: ManagedScalingStatus | None = None
    """What managed scaling has made."""
    conditions: Annotated[list[Condition], list_map("type")] | None = None
    """Ready, Reconciling and Stalled."""


CAPACITY_PROVIDER = Kind(
    kind="CapacityProvider",
    plural="capacityproviders",
    singular="capacityprovider",
    short_names=("cprov",),
    description=(
        "Where tasks run: Fargate, Fargate Spot or EC2 in ECS's words, a pool of nodes in Kubernetes'. "
        "Services mix providers by base and weight in their capacityProviderStrategy."
    ),
    spec=CapacityProviderSpec,
    status=CapacityProviderStatus,
    columns=(
        Column("Type", "string", ".spec.type"),
        Column("Spot", "boolean", ".spec.spot"),
        Column("Preset", "string", ".spec.nodes.preset", priority=1),
        Column("Nodes", "integer", ".status.nodes"),
        Column("Running", "integer", ".status.runningTasksCount"),
        Column("Waiting", "integer", ".status.waitingTasksCount"),
        Column("Reservation", "integer", ".status.capacityProviderReservation"),
        Column("Interruptions", "integer", ".status.interruptions", priority=1),
        Column("CPU", "string", ".status.allocatable.cpu", priority=1),
        Column("CPU Reserved", "string", ".status.reserved.cpu", priority=1),
        Column("Memory", "string", ".status.allocatable.memory", priority=1),
        Column("Memory Reserved", "string", ".status.reserved.memory", priority=1),
        READY,
        MESSAGE,
        AGE,
    ),
    namespaced=False,
    rules=(name_rule(63, "it becomes a label value of every task that runs there"),),
)
