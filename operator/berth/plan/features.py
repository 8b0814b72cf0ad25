"""Features of Kubernetes that not every cluster has, and the object in which each shows itself."""

from dataclasses import dataclass

from berth.plan.outcome import Json
from berth.resources import DEPLOYMENT, Resource

POD_LEVEL_RESOURCES = "PodLevelResources"
CONTAINER_RESTART_RULES = "ContainerRestartRules"
RESTART_ALL_CONTAINERS = "RestartAllContainers"


@dataclass(frozen=True, slots=True)
class Feature:
    """Where the API server has a feature, it keeps the object as it is; elsewhere it refuses or shortens it."""

    name: str
    resource: Resource
    manifest: Json


def _deployment(pod: Json, container: Json) -> Json:
    labels = {"berth.dev/feature": "asked"}
    containers = [{"name": "main", "image": "example.invalid/none", **container}]
    template: Json = {"metadata": {"labels": labels}, "spec": {"containers": containers, **pod}}
    return {"spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}}


def _restarting() -> Json:
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}
    return _deployment({}, {"restartPolicy": "Never", "restartPolicyRules": [rule]})


# RestartAllContainers is not asked for: the scheduler keeps tasks off every node that does not declare it, and while a
# cluster is upgraded the API server has it before its nodes do. The platform says that all nodes have it.
FEATURES = (
    Feature(POD_LEVEL_RESOURCES, DEPLOYMENT, _deployment({"resources": {"requests": {"cpu": "10m"}}}, {})),
    Feature(CONTAINER_RESTART_RULES, DEPLOYMENT, _restarting()),
)
