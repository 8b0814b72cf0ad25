"""Deployments in a Service's status, as describe-services and describe-service-deployments print them."""

from typing import Annotated, Literal

from pydantic import Field

from berth.api.schema import Shape, list_map

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
LifecycleStage = Literal[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]


class CircuitBreakerStatus(Shape):
    """What the circuit breaker sees."""

    status: Literal["DISABLED", "MONITORING", "MONITORING_COMPLETE", "TRIGGERED"]
    """MONITORING while the deployment is under way; TRIGGERED once it made the deployment fail."""
    failure_count: int
    """Failed tasks that count."""
    threshold: int
    """How many make the deployment fail."""


class FailingTask(Shape):
    """What was counted of a task that still exists, so that nothing counts twice."""

    uid: Annotated[str, Field(max_length=64)]
    """The pod's uid."""
    restarts: int = 0
    """Restarts of its containers that were looked at."""
    ended: bool | None = None
    """It has failed as a whole, and was counted."""
    waiting_since: Moment | None = None
    """Since when a container of it has been unable to start; each minute counts as a failed task."""


class DeploymentRollback(Shape):
    """The way back from a deployment that failed."""

    deployment: Annotated[str, Field(max_length=63)]
    """The deployment whose tasks run again."""
    reason: Annotated[str, Field(max_length=1024)]
    """Why."""
    started_at: Moment
    """When."""


class LifecycleHookDetail(Shape):
    """One run of a lifecycle hook."""

    hook_id: Annotated[str, Field(max_length=63)]
    """The name of its Job."""
    name: Annotated[str, Field(max_length=63)]
    """The hook."""
    lifecycle_stage: Annotated[str, Field(max_length=63)]
    """The stage that it runs at."""
    status: Literal["IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT"]
    """How far it is; only one that has SUCCEEDED lets the deployment go on."""
    reason: Annotated[str, Field(max_length=1024)] | None = None
    """What it waits for, or why it failed."""


class ServiceDeploymentAlarms(Shape):
    """What the alarms say of a deployment."""

    status: Literal["DISABLED", "MONITORING", "MONITORING_COMPLETE", "TRIGGERED"]
    """MONITORING while the deployment is under way; TRIGGERED once an alarm made it fail; DISABLED when one fired already as it began."""  # noqa: E501
    alarm_names: list[str]
    """The alerts that are looked at."""
    triggered_alarm_names: list[str] | None = None
    """Those that fire, or fired when the deployment failed."""
    reason: Annotated[str, Field(max_length=1024)] | None = None
    """Why an alarm says nothing, if one does."""


class ContainerImage(Shape):
    """What a container of a deployment runs, where its tag was looked up once for all tasks."""

    container_name: Annotated[str, Field(max_length=63)]
    """The container, as its pod has it."""
    image: Annotated[str, Field(max_length=1024)]
    """The image as the task definition names it."""
    image_digest: Annotated[str, Field(max_length=128)] | None = None
    """The digest that the tag stood for; none where the node's runtime knew none, so that the tag holds."""


class ServiceDeployment(Shape):
    """One deployment, as describe-services prints it."""

    id: str
    """The deployment's name: that of the ControllerRevision which holds what it runs."""
    status: Literal["PRIMARY", "ACTIVE", "INACTIVE"]
    """PRIMARY is what should run; ACTIVE is on its way out; INACTIVE has no tasks any more."""
    task_definition: str
    """The revision that it runs, as `web:7`."""
    desired_count: int
    """Tasks that it should run."""
    running_count: int
    """Tasks that run and are ready."""
    pending_count: int
    """Tasks that are on their way."""
    failed_tasks: int | None = None
    """Tasks that failed to start, or to become healthy, one after the other."""
    rollout_state: Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
    """How far it is."""
    rollout_state_reason: Annotated[str, Field(max_length=1024)] | None = None
    """How it came to that, in ECS's words."""
    lifecycle_stage: LifecycleStage | None = None
    """The stage that it is in, or failed in; only where something of it is asked for."""
    lifecycle_stage_since: Moment | None = None
    """When it came to that stage; a shift of production traffic counts from when the traffic has been shifted."""
    requested_test_traffic_weight: float | None = None
    """Percent of the test traffic that goes to its tasks, while there are two sets of tasks."""
    requested_production_traffic_weight: float | None = None
    """Percent of the production traffic that goes to its tasks, while there are two sets of tasks."""
    reason: Annotated[str, Field(max_length=1024)] | None = None
    """What started it, where that was no change of the Service: Secrets or ConfigMaps that changed."""
    last_failure: Annotated[str, Field(max_length=1024)] | None = None
    """The last failed task: what kind of failure it was, and the container's own message."""
    created_at: Moment | None = None
    """When it started."""
    updated_at: Moment | None = None
    """When anything of this last changed."""
    finished_at: Moment | None = None
    """When it completed or failed."""
    deployment_circuit_breaker: CircuitBreakerStatus | None = None
    """What the circuit breaker sees."""
    alarms: ServiceDeploymentAlarms | None = None
    """What the alarms say."""
    lifecycle_hook_details: Annotated[list[LifecycleHookDetail], list_map("hookId")] | None = None
    """Its lifecycle hooks, as far as they have run."""
    container_images: Annotated[list[ContainerImage], list_map("containerName")] | None = None
    """The images that all of its tasks run, where tags were looked up once."""
    rollback: DeploymentRollback | None = None
    """The way back, where it failed and was rolled back."""
    healthy_tasks: int | None = None
    """The most of its tasks that were healthy at a time, while it is under way."""
    failing_tasks: Annotated[list[FailingTask], list_map("uid")] | None = None
    """Tasks that failed and still exist, while it is under way."""


class StoppedDeployment(Shape):
    """The answer to the annotation berth.dev/stop-deployment, for as long as it stands there."""

    request: Annotated[str, Field(max_length=64)]
    """What it asked for."""
    deployment: Annotated[str, Field(max_length=63)] | None = None
    """The deployment that was stopped."""
    message: Annotated[str, Field(max_length=1024)]
    """What came of it."""
