"""How a task with ports stops: it leaves its addresses first, goes on answering meanwhile, and only then gets SIGTERM.

Kubernetes takes a pod out of its addresses and sends SIGTERM at the same moment, and the news takes a second or two to
reach those who send requests. ECS deregisters a task first.
"""

from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.outcome import Json
from berth.plan.pod import STOP_TIMEOUT


def stops_late(body: Json, spec: TaskDefinitionSpec, seconds: int) -> Json:
    """The pod's spec with this delay before SIGTERM, and so much more time to stop; sidecars stop last anyway."""
    if not seconds or not any(one.port_mappings for one in spec.container_definitions):
        return body
    waits = {"preStop": {"sleep": {"seconds": seconds}}}
    containers = [{**one, "lifecycle": waits} for one in body["containers"]]
    grace = body.get("terminationGracePeriodSeconds", STOP_TIMEOUT) + seconds
    return {**body, "containers": containers, "terminationGracePeriodSeconds": grace}
