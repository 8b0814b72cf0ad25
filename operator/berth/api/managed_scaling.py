"""Managed scaling of a CapacityProvider: nodes that come with its tasks and go with them."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape, list_set

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
Duration = Annotated[str, Field(pattern="^([0-9]+(s|m|h))+$", max_length=32)]
DurationOrNever = Annotated[str, Field(pattern="^(([0-9]+(s|m|h))+|Never)$", max_length=32)]
Quantity = Annotated[str, Field(pattern="^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$", max_length=32)]

CAPACITY_TYPE = "karpenter.sh/capacity-type"
NODE_POOL = "karpenter.sh/nodepool"
PROVIDER = "berth.dev/capacity-provider"
OURS = (CAPACITY_TYPE, NODE_POOL, PROVIDER)
"""Labels that follow from the provider itself."""


class NodeClassRef(Shape):
    """What says which machines, images and networks: Karpenter's own object, made by the platform team."""

    group: Annotated[str, Field(min_length=1, max_length=253)]
    """Its API group: karpenter.k8s.aws on AWS, eks.amazonaws.com on EKS Auto Mode, karpenter.azure.com on AKS."""
    kind: Annotated[str, Field(min_length=1, max_length=63)]
    """Its kind: EC2NodeClass, NodeClass, AKSNodeClass. It cannot be changed in a NodePool that exists."""
    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Its name."""


class Requirement(Shape):
    """What every node of this provider fulfils, in Karpenter's own shape."""

    key: LabelKey
    """A label of nodes, such as node.kubernetes.io/instance-type or karpenter.k8s.aws/instance-category."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    """How the label is compared."""
    values: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=100)] = Field(
        default_factory=list[str]
    )
    """Values; one number for Gt and Lt, none for Exists and DoesNotExist."""
    min_values: Annotated[int, Field(ge=1, le=50)] | None = None
    """At least so many different values must be to choose from, which makes spot steadier."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!(self.operator in ['In', 'NotIn']) || self.values.size() > 0",
            message="values is required with operators In and NotIn",
            holds=lambda self: self.operator not in {"In", "NotIn"} or len(self.values) > 0,
        ),
        Rule(
            cel="!(self.operator in ['Exists', 'DoesNotExist']) || self.values.size() == 0",
            message="values has no meaning with operators Exists and DoesNotExist: leave it out",
            holds=lambda self: self.operator not in {"Exists", "DoesNotExist"} or not self.values,
        ),
        Rule(
            cel="!(self.operator in ['Gt', 'Lt']) || "
            "(self.values.size() == 1 && self.values.all(v, v.matches('^[0-9]+$')))",
            message="values must be one whole number with operators Gt and Lt",
            holds=lambda self: self.operator not in {"Gt", "Lt"} or _is_number(self.values),
        ),
        Rule(
            cel=f"!(self.key in {list(OURS)})",
            message=f"key: the provider itself decides {', '.join(OURS)}: spec.spot says which capacity it is",
            holds=lambda self: self.key not in OURS,
        ),
    )


def _is_number(values: list[str]) -> bool:
    return len(values) == 1 and values[0].isascii() and values[0].isdigit()


class DisruptionBudget(Shape):
    """How many nodes Karpenter may take away at a time; of several that hold at once the strictest counts."""

    nodes: Annotated[str, Field(pattern="^((100|[0-9]{1,2})%|[0-9]+)$", max_length=9)]
    """A number or a percentage of the pool's nodes; 0 forbids it."""
    reasons: Annotated[list[Literal["Empty", "Underutilized", "Drifted"]], Field(max_length=3), list_set()] = Field(
        default_factory=list[Literal["Empty", "Underutilized", "Drifted"]]
    )
    """For which reasons; none means all."""
    schedule: (
        Annotated[
            str,
            Field(
                pattern="^(@(annually|yearly|monthly|weekly|daily|midnight|hourly))$|^(\\S+\\s+\\S+\\s+\\S+\\s+\\S+\\s+\\S+)$",
                max_length=100,
            ),
        ]
        | None
    ) = None
    """When it begins to hold, as cron says it, in UTC; without one it always holds."""
    duration: Annotated[str, Field(pattern="^([0-9]+h)?([0-9]+m)?$", min_length=1, max_length=32)] | None = None
    """How long it holds from then on, in hours and minutes."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.schedule) == has(self.duration)",
            message="schedule and duration belong together: write both or none",
            holds=lambda self: (self.schedule is None) == (self.duration is None),
        ),
    )


class Karpenter(Shape):
    """The NodePool that Karpenter scales for this provider; it has the provider's name, label and taint."""

    node_class_ref: NodeClassRef
    """The machines to make nodes of."""
    requirements: Annotated[list[Requirement], Field(max_length=30)] = Field(default_factory=list[Requirement])
    """What every node fulfils, beside the capacity type, which spec.spot says."""
    limits: Annotated[dict[Annotated[str, Field(max_length=63)], Quantity], Field(max_length=8)] = Field(
        default_factory=dict[str, str]
    )
    """The most that all nodes together may have, such as cpu: "1000" and memory: 4000Gi: the Auto Scaling group's maxSize."""  # noqa: E501
    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    """Of pools that fit a pod Karpenter takes the one with the greatest weight."""
    consolidation_policy: Literal["WhenEmpty", "WhenEmptyOrUnderutilized"] = "WhenEmptyOrUnderutilized"
    """Whether nodes are taken away only when nothing runs on them, or also when their tasks fit on others."""
    consolidate_after: DurationOrNever = "15m"
    """How long a node must be left alone before it may be taken away; ECS waits for 15 minutes, too."""
    budgets: Annotated[list[DisruptionBudget], Field(max_length=10)] = Field(default_factory=list[DisruptionBudget])
    """How many nodes may go at a time; without any, 10 % of them."""
    expire_after: DurationOrNever | None = None
    """How old a node may become before it is replaced; Karpenter's default is 720h."""
    termination_grace_period: Duration | None = None
    """The longest that draining a node may take, after which what still runs there is deleted, protected or not."""


class ManagedScaling(Shape):
    """Whether nodes come and go with the tasks, as in an Auto Scaling group under ECS's managed scaling."""

    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    """DISABLED adds no more nodes; those that are there stay for as long as tasks run on them."""
    target_capacity: Annotated[int, Field(ge=1, le=100)] = 100
    """How full the nodes shall be, in percent: below 100, placeholder pods of the tasks' size keep room for tasks to come."""  # noqa: E501
    minimum_scaling_step_size: Annotated[int, Field(ge=1, le=10000)] | None = None
    """Accepted: nodes are made for the tasks that wait, not in steps."""
    maximum_scaling_step_size: Annotated[int, Field(ge=1, le=10000)] | None = None
    """Accepted: nodes are made for the tasks that wait, not in steps. Use karpenter.limits for an upper limit."""
    instance_warmup_period: Annotated[int, Field(ge=0, le=10000)] | None = None
    """Accepted: Karpenter counts the nodes that it ordered, so no time need pass before they count."""
    karpenter: Karpenter | None = None
    """The NodePool to own. Without it, whatever else scales the provider's nodes (cluster-autoscaler, the cloud) goes on."""  # noqa: E501


class ManagedScalingStatus(Shape):
    """What managed scaling has made."""

    node_pool: Annotated[str, Field(max_length=253)] | None = None
    """The NodePool that brings the nodes."""
    pool_nodes: int | None = None
    """Nodes of it, those on their way included."""
    placeholders: int | None = None
    """Placeholder pods that keep room for tasks to come."""


def is_managed(managed_scaling: ManagedScaling | None) -> bool:
    return managed_scaling is not None and managed_scaling.status == "ENABLED"


WITH_KARPENTER = ("karpenter", "eks-auto", "plain")
WITHOUT_NODES = ("eks-fargate", "aks-virtual")
"""Presets of platforms that run each task by itself: no nodes to choose, no spot, no access to a host."""


def _pool(provider: Any) -> Karpenter | None:
    managed: ManagedScaling | None = provider.managed_scaling
    return managed.karpenter if managed is not None else None


_HAS_POOL = "has(self.managedScaling) && has(self.managedScaling.karpenter)"
PROVIDER_RULES = (
    Rule(
        cel="!has(self.managedTerminationProtection) || self.managedTerminationProtection == 'DISABLED' || "
        "(has(self.managedScaling) && self.managedScaling.status == 'ENABLED')",
        message="managedTerminationProtection needs managedScaling with status ENABLED, as on ECS",
        holds=lambda self: self.managed_termination_protection != "ENABLED" or is_managed(self.managed_scaling),
    ),
    Rule(
        cel=f"!has(self.managedScaling) || !has(self.nodes.preset) || !(self.nodes.preset in {list(WITHOUT_NODES)})",
        message="managedScaling: presets eks-fargate and aks-virtual have no nodes to scale; leave it out",
        holds=lambda self: self.managed_scaling is None or self.nodes.preset not in WITHOUT_NODES,
    ),
    Rule(
        cel=f"!({_HAS_POOL}) || !has(self.nodes.preset) || self.nodes.preset in {list(WITH_KARPENTER)}",
        message="managedScaling.karpenter: Karpenter makes nodes for presets karpenter, eks-auto and plain, "
        "or without a preset",
        holds=lambda self: _pool(self) is None or self.nodes.preset in {None, *WITH_KARPENTER},
    ),
    Rule(
        cel=f"!({_HAS_POOL}) || !{list(OURS)}.exists(key, key in self.nodes.selector)",
        message=f"nodes.selector: with managedScaling.karpenter the provider itself decides {', '.join(OURS)}; "
        "take them out of the selector",
        holds=lambda self: _pool(self) is None or not {*OURS} & {*self.nodes.selector},
    ),
)
