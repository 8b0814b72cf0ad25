"""Deployment alarms: alerts of Prometheus's, by name, that make a deployment fail while they fire."""

from typing import Annotated

from pydantic import Field

from berth.api.schema import Rule, Shape, list_set

MOST_ALARMS = 10


class DeploymentAlarms(Shape):
    """Alerts that speak against a deployment. Only those with the label `namespace` of the Service's own count."""

    alarm_names: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=255)]], Field(max_length=MOST_ALARMS), list_set()
    ] = Field(default_factory=list[str])
    """Names of alerts, as their rules have them (`alert: HighErrorRate`)."""
    enable: bool = False
    """Whether a firing alert makes a deployment fail, from its start until its bake time has passed."""
    rollback: bool = False
    """Whether a deployment that failed so is replaced by the last one that completed; the spec stays as it is."""
    rules = (
        Rule(
            cel="!self.enable || self.alarmNames.size() > 0",
            message="alarms: name at least one alert in alarmNames",
            holds=lambda self: not self.enable or bool(self.alarm_names),
            field=".alarmNames",
        ),
    )
