"""schedulingStrategy DAEMON: one task on each node, and what follows from it for the other fields of a Service."""

from typing import Any

from berth.api.schema import Rule

DAEMON = "DAEMON"
IS_DAEMON = f"self.schedulingStrategy == '{DAEMON}'"
ON_EACH = "schedulingStrategy DAEMON runs one task on each node"


def _replica(spec: Any) -> bool:
    return bool(spec.scheduling_strategy != DAEMON)


def _on_daemons(test: str) -> str:
    """CEL: the test holds, unless the Service is no daemon."""
    return f"self.schedulingStrategy != '{DAEMON}' || {test}"


DAEMON_RULES = (
    Rule(
        cel=_on_daemons("self.deploymentConfiguration.strategy == 'ROLLING'"),
        message=f"deploymentConfiguration.strategy: {ON_EACH}, so there is no place for a second set; leave it out",
        holds=lambda self: _replica(self) or self.deployment_configuration.strategy == "ROLLING",
        field=".deploymentConfiguration.strategy",
    ),
    Rule(
        cel="self.schedulingStrategy == oldSelf.schedulingStrategy",
        message="schedulingStrategy cannot be changed: delete the Service, or give the new one another name",
        holds=lambda _: True,
        field=".schedulingStrategy",
    ),
    Rule(
        cel=_on_daemons("self.desiredCount == 1"),
        message=f"desiredCount: {ON_EACH}; leave it out",
        holds=lambda self: _replica(self) or self.desired_count == 1,
        field=".desiredCount",
    ),
    Rule(
        cel=_on_daemons("!has(self.autoScaling)"),
        message=f"autoScaling: {ON_EACH}; leave it out",
        holds=lambda self: _replica(self) or self.auto_scaling is None,
        field=".autoScaling",
    ),
    Rule(
        cel=_on_daemons("self.placementStrategy.size() == 0"),
        message=f"placementStrategy: {ON_EACH}; leave it out, and choose nodes by placementConstraints",
        holds=lambda self: _replica(self) or not self.placement_strategy,
        field=".placementStrategy",
    ),
    Rule(
        cel=_on_daemons("self.capacityProviderStrategy.all(p, p.base == 0 && p.weight == 0)"),
        message=f"capacityProviderStrategy: {ON_EACH} of every provider; leave base and weight out",
        holds=lambda self: (
            _replica(self) or not any(item.base or item.weight for item in self.capacity_provider_strategy)
        ),
        field=".capacityProviderStrategy",
    ),
    Rule(
        cel=_on_daemons("!has(self.launchType) || self.launchType != 'FARGATE'"),
        message=f"launchType: {ON_EACH}, and Fargate has none; use EC2",
        holds=lambda self: _replica(self) or self.launch_type != "FARGATE",
        field=".launchType",
    ),
    Rule(
        # 200 is what the API server fills in.
        cel=_on_daemons("self.deploymentConfiguration.maximumPercent in [100, 200]"),
        message="maximumPercent: schedulingStrategy DAEMON stops a node's task before it starts the next; leave it out",
        holds=lambda self: _replica(self) or self.deployment_configuration.maximum_percent in {100, 200},
        field=".deploymentConfiguration",
    ),
    Rule(
        cel=_on_daemons("!has(self.deploymentConfiguration.lifecycleHooks)"),
        message=f"lifecycleHooks: {ON_EACH}, and has no stages; leave them out",
        holds=lambda self: _replica(self) or self.deployment_configuration.lifecycle_hooks is None,
        field=".deploymentConfiguration",
    ),
)
