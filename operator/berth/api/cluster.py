"""Cluster: what the Services of a namespace have in common, and how much of them there is."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.condition import Condition
from berth.api.kind import AGE, MESSAGE, READY, Column, Kind, name_rule
from berth.api.platform import Tag
from berth.api.schema import Rule, Shape, list_map, list_set
from berth.api.strategy import CapacityProviderStrategyItem, ProviderName, plain, plain_cel, strategy_rules


class LaunchTypes(Shape):
    """Which capacity provider a launch type means."""

    fargate: Annotated[ProviderName | None, Field(alias="FARGATE")] = None
    """The provider of launchType FARGATE; `fargate` when left out."""
    ec2: Annotated[ProviderName | None, Field(alias="EC2")] = None
    """The provider of launchType EC2; `ec2` when left out."""


def _allowed(spec: "ClusterSpec") -> bool:
    allowed = {plain(name) for name in spec.capacity_providers}
    named = {plain(item.capacity_provider) for item in spec.default_capacity_provider_strategy}
    return not allowed or named <= allowed


class ClusterSpec(Shape):
    """Defaults for Services, in the names of CreateCluster."""

    capacity_providers: Annotated[list[ProviderName], Field(max_length=20), list_set()] = Field(
        default_factory=list[str]
    )
    """The providers that Services of this cluster may use; without any, all of them. One that is taken out goes on serving Services that run on it."""  # noqa: E501
    default_capacity_provider_strategy: Annotated[
        list[CapacityProviderStrategyItem], Field(max_length=20), list_map("capacityProvider")
    ] = Field(default_factory=list[CapacityProviderStrategyItem])
    """The strategy of Services that name neither a strategy nor a launchType. A Service keeps the one that its first deployment found."""  # noqa: E501
    launch_types: LaunchTypes = LaunchTypes()
    """Which providers the launch types FARGATE and EC2 mean here."""
    tags: Annotated[list[Tag], Field(max_length=50), list_map("key")] = Field(default_factory=list[Tag])
    """Tags of tasks whose task definition has no tag of that key; for deployments that start from then on."""
    rules: ClassVar[tuple[Rule, ...]] = (
        *strategy_rules("defaultCapacityProviderStrategy", "default_capacity_provider_strategy"),
        Rule(
            cel=(
                "self.capacityProviders.size() == 0 || self.defaultCapacityProviderStrategy.all(p, "
                f"self.capacityProviders.exists(q, {plain_cel('q')} == {plain_cel('p.capacityProvider')}))"
            ),
            message="defaultCapacityProviderStrategy names a provider that is not in capacityProviders: add it there",
            holds=_allowed,
        ),
    )


class ClusterStatus(Shape):
    """What describe-clusters prints, and conditions."""

    observed_generation: int | None = None
    """The generation of the spec that this status was computed for."""
    status: Literal["ACTIVE"] | None = None
    """ACTIVE: Services can use it."""
    active_services_count: int | None = None
    """Services of this cluster."""
    running_tasks_count: int | None = None
    """Their tasks that run and are ready."""
    pending_tasks_count: int | None = None
    """Their tasks that are on their way."""
    conditions: Annotated[list[Condition], list_map("type")] | None = None
    """Ready, Reconciling and Stalled."""


CLUSTER = Kind(
    kind="Cluster",
    plural="clusters",
    singular="cluster",
    short_names=("ecscluster",),
    description=(
        "What Services of one namespace have in common: a default strategy, the capacity providers that they may use, "
        "tags. A Service that names no cluster is in `default`, which needs no object."
    ),
    spec=ClusterSpec,
    status=ClusterStatus,
    columns=(
        Column("Services", "integer", ".status.activeServicesCount"),
        Column("Running", "integer", ".status.runningTasksCount"),
        Column("Pending", "integer", ".status.pendingTasksCount"),
        READY,
        MESSAGE,
        AGE,
    ),
    rules=(name_rule(63, "it becomes a label value of every task of the cluster"),),
)
