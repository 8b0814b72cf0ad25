"""Service: keeps a desired count of tasks alive, spread over capacity providers, behind one address."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.alarms import DeploymentAlarms
from berth.api.auto_scaling import AutoScaling
from berth.api.circuit_breaker import DeploymentCircuitBreaker
from berth.api.condition import Condition
from berth.api.daemon import DAEMON, DAEMON_RULES, IS_DAEMON
from berth.api.deployment_strategy import STRATEGY_RULES, CanaryConfiguration, LinearConfiguration, Strategy
from berth.api.ebs_volume import ServiceVolumeConfiguration
from berth.api.kind import AGE, MESSAGE, READY, REASON, Column, Kind, Scale, name_rule
from berth.api.lifecycle_hook import MOST_HOOKS, DeploymentLifecycleHook
from berth.api.load_balancer import LoadBalancer
from berth.api.network import NetworkConfiguration
from berth.api.placement import PlacementStrategy, ServicePlacementConstraint
from berth.api.schema import Rule, Shape, list_map
from berth.api.service_connect import ServiceConnectConfiguration
from berth.api.service_deployment import ServiceDeployment, StoppedDeployment
from berth.api.service_registry import ServiceRegistry
from berth.api.strategy import CapacityProviderStrategyItem, strategy_rules
from berth.api.zone_rebalancing import REBALANCING_RULES, Rebalancing, ZoneRebalancing

CLUSTER_NAME = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
TASK_DEFINITION = "^[a-z]([-a-z0-9]*[a-z0-9])?(:[1-9][0-9]{0,8})?$"


class DeploymentConfiguration(Shape):
    """How far the number of tasks may stray from the desired count while a deployment runs."""

    minimum_healthy_percent: Annotated[int, Field(ge=0, le=100)] = 100
    """The lower limit of healthy tasks during a deployment, in percent of the desired count, rounded up."""
    maximum_percent: Annotated[int, Field(ge=100, le=200)] = 200
    """The upper limit of tasks during a deployment, in percent of the desired count, rounded down."""
    strategy: Strategy = "ROLLING"
    """ROLLING replaces tasks one after the other. The others start a second set beside the first and shift traffic to it: BLUE_GREEN all at once, LINEAR in equal steps, CANARY a part first. From the next deployment on."""  # noqa: E501
    linear_configuration: LinearConfiguration | None = None
    """The steps of LINEAR; left out, 10 percent every 6 minutes."""
    canary_configuration: CanaryConfiguration | None = None
    """The part that CANARY shifts first; left out, 5 percent for 10 minutes."""
    deployment_circuit_breaker: DeploymentCircuitBreaker | None = None
    """Ends a deployment whose tasks fail, and goes back to the last good one."""
    alarms: DeploymentAlarms | None = None
    """Ends a deployment while an alert of Prometheus's fires."""
    lifecycle_hooks: Annotated[list[DeploymentLifecycleHook], Field(max_length=MOST_HOOKS), list_map("name")] | None = (
        None
    )
    """Tasks that run once in each deployment, one after the other, before it goes on: a migration, say."""
    bake_time_in_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    """So long a deployment is watched once all of its tasks run; only then it is completed, and until then it can fail."""  # noqa: E501
    rules: ClassVar[tuple[Rule, ...]] = STRATEGY_RULES


class ServiceSpec(Shape):
    """What CreateService takes, in its own names."""

    task_definition: Annotated[str, Field(pattern=TASK_DEFINITION, max_length=63)]
    """The TaskDefinition to run: `web` follows its newest active revision, `web:7` stays on revision 7."""
    cluster: Annotated[str, Field(pattern=CLUSTER_NAME, max_length=63)] = "default"
    """The Cluster that it belongs to, for good; `default` needs no object."""
    desired_count: Annotated[int, Field(ge=0, le=5000)] = 1
    """How many tasks to keep running. Leave it out under autoScaling: a manifest that names it resets the count."""
    scheduling_strategy: Literal["REPLICA", "DAEMON"] = "REPLICA"
    """REPLICA keeps desiredCount tasks; DAEMON runs one task on each node of its capacity providers. Immutable."""
    launch_type: Literal["FARGATE", "EC2"] | None = None
    """Shorthand for a strategy of one provider: FARGATE means `fargate`, EC2 means `ec2`."""
    capacity_provider_strategy: Annotated[
        list[CapacityProviderStrategyItem], Field(max_length=20), list_map("capacityProvider")
    ] = Field(default_factory=list[CapacityProviderStrategyItem])
    """How tasks are split over capacity providers: base first, then by weight. Without it, and without a launchType, the cluster's default holds, and without that tasks run on any node."""  # noqa: E501
    deployment_configuration: DeploymentConfiguration = DeploymentConfiguration()
    """Limits on the number of tasks during a deployment, and what becomes of one that fails."""
    force_new_deployment: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Each new value starts a deployment, though nothing else has changed: a date, a number, anything."""
    on_secret_change: Literal["Ignore", "Redeploy"] = "Ignore"  # noqa: S105  # a mode
    """Redeploy: a deployment starts when a Secret or ConfigMap that its tasks take variables from has changed. The operator needs a right of its own for it."""  # noqa: E501
    health_check_grace_period_seconds: Annotated[int, Field(ge=0, le=2147483647)] = 0
    """How long after a task's start its health checks may fail without ending it; from the next deployment on."""
    auto_scaling: AutoScaling | None = None
    """Scales desiredCount between two bounds, in Application Auto Scaling's names."""
    volume_configurations: Annotated[list[ServiceVolumeConfiguration], Field(max_length=1), list_map("name")] = Field(
        default_factory=list[ServiceVolumeConfiguration]
    )
    """Volumes that the task definition leaves to the Service; a change starts a deployment."""
    network_configuration: NetworkConfiguration | None = None
    """Subnets and security groups of AWS's; a change starts a deployment."""
    load_balancers: Annotated[list[LoadBalancer], Field(max_length=5)] = Field(default_factory=list[LoadBalancer])
    """What leads requests from outside to the tasks; a change starts a deployment."""
    service_registries: Annotated[list[ServiceRegistry], Field(max_length=1)] = Field(
        default_factory=list[ServiceRegistry]
    )
    """A name in DNS that answers with every task; a change starts a deployment."""
    service_connect_configuration: ServiceConnectConfiguration | None = None
    """Names by which other tasks reach this Service; a change starts a deployment."""
    placement_constraints: Annotated[list[ServicePlacementConstraint], Field(max_length=10)] = Field(
        default_factory=list[ServicePlacementConstraint]
    )
    """Rules about nodes that every task keeps to, with those of the task definition; from the next deployment on."""
    placement_strategy: Annotated[list[PlacementStrategy], Field(max_length=5)] = Field(
        default_factory=list[PlacementStrategy]
    )
    """Preferences between nodes, the first before the second; evenly over zones without any. From the next deployment on; not on Fargate."""  # noqa: E501
    availability_zone_rebalancing: Rebalancing = "DISABLED"
    """ENABLED: in the steady state, tasks move one at a time from the zone with the most to the one with the fewest."""
    rules: ClassVar[tuple[Rule, ...]] = (
        *DAEMON_RULES,
        *REBALANCING_RULES,
        Rule(
            cel="!has(self.launchType) || self.capacityProviderStrategy.size() == 0",
            message="launchType and capacityProviderStrategy exclude each other: keep one of them",
            holds=lambda self: self.launch_type is None or not self.capacity_provider_strategy,
        ),
        *strategy_rules("capacityProviderStrategy", "capacity_provider_strategy", IS_DAEMON),
        Rule(
            cel="self.cluster == oldSelf.cluster",
            message="cluster is immutable: delete the Service and create it in the other cluster",
            holds=lambda _: True,
        ),
    )

    @property
    def is_daemon(self) -> bool:
        return self.scheduling_strategy == DAEMON


class ServiceProvider(Shape):
    """The tasks of a Service on one capacity provider."""

    capacity_provider: Annotated[str, Field(max_length=63)] = ""
    """The CapacityProvider; empty for tasks that run on any node."""
    desired_count: int
    """Tasks that should run here."""
    running_count: int
    """Tasks that run here and are ready."""
    pending_count: int
    """Tasks that are on their way here."""
    draining_count: int | None = None
    """Tasks here whose nodes are about to go; they stop once others are healthy in their place."""
    moved_count: int | None = None
    """Tasks of this provider that run on its fallback, because they found no place here."""


class ServiceStatus(Shape):
    """What describe-services prints, and conditions."""

    observed_generation: int | None = None
    """The generation of the spec that this status was computed for."""
    task_definition: str | None = None
    """The revision that the Service runs, as `web:7`."""
    desired_count: int | None = None
    """Tasks that should run."""
    running_count: int | None = None
    """Tasks that run and are ready."""
    pending_count: int | None = None
    """Tasks that are on their way."""
    selector: str | None = None
    """The label selector of the Service's tasks, for autoscalers."""
    capacity_providers: Annotated[list[ServiceProvider], list_map("capacityProvider")] | None = None
    """The tasks by capacity provider."""
    deployments: Annotated[list[ServiceDeployment], list_map("id")] | None = None
    """Deployments, what should run first, then the newest; the last ten are kept."""
    rebalanced: Annotated[str, Field(max_length=64)] | None = None
    """The value of the annotation berth.dev/rebalance that was answered last: the split is, or was then, exact."""
    zone_rebalancing: ZoneRebalancing | None = None
    """The last move of availabilityZoneRebalancing, for as long as tasks are uneven over zones."""
    stop_deployment: StoppedDeployment | None = None
    """The answer to the annotation berth.dev/stop-deployment."""
    conditions: Annotated[list[Condition], list_map("type")] | None = None
    """Ready, Reconciling and Stalled; CapacityFallback where a provider of the strategy has a fallback."""


SERVICE = Kind(
    kind="Service",
    plural="services",
    singular="service",
    short_names=("ecssvc",),
    description=(
        "Keeps a desired count of tasks of a TaskDefinition running, split over capacity providers by base and weight, "
        "replaces them in deployments, scales them, and gives them one address."
    ),
    spec=ServiceSpec,
    status=ServiceStatus,
    columns=(
        Column("Task Definition", "string", ".status.taskDefinition"),
        Column("Desired", "integer", ".status.desiredCount"),
        Column("Running", "integer", ".status.runningCount"),
        Column("Pending", "integer", ".status.pendingCount"),
        READY,
        REASON,
        Column("Cluster", "string", ".spec.cluster", priority=1),
        MESSAGE,
        AGE,
    ),
    rules=(name_rule(52, "it becomes the name of a Kubernetes Service and part of its Deployments' names"),),
    scale=Scale(".spec.desiredCount", ".status.runningCount", ".status.selector"),
)
