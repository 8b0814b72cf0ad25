"""The pod template of a task: what a deployment freezes, without what a capacity provider adds."""

from berth import names
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan import dependencies, isolation, memory, pod, task_resources
from berth.plan.container import Task, container
from berth.plan.outcome import Json
from berth.plan.stopping import stops_late
from berth.plan.translation import Translation

DEFAULT_CLUSTER = "default"

TRANSLATIONS = (
    Translation("family", "Exact", "the TaskDefinition's family; revisions are named after the TaskDefinition"),
    Translation("requiresCompatibilities", "Exact", "the rules of these types are checked"),
    *task_resources.TRANSLATIONS,
)


def task_template(
    spec: TaskDefinitionRevisionSpec, service: str, features: frozenset[str] = frozenset(), deregistration: int = 0
) -> Json:
    """Labels and pod spec of a Service's task on any node; SIGTERM comes so many seconds after its deregistration."""
    windows = pod.is_windows(spec)
    layout = dependencies.layout(spec.container_definitions)
    task = Task(layout, spec.network_mode, features, windows)
    sized = task_resources.by_container(spec, layout, features)
    made = {one.name: container(one, sized[one.name], task) for one in spec.container_definitions}
    body: Json = {}
    if layout.init:
        body["initContainers"] = [made[one.name] for one in layout.init]
    body |= {
        "containers": [made[one.name] for one in layout.main],
        # A task gets no credentials of the cluster and no variables about its neighbours, as in ECS.
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
    }
    if not windows:
        controls = pod.sysctls(spec)
        body["securityContext"] = {
            "seccompProfile": {"type": "RuntimeDefault"},
            **({"sysctls": controls} if controls else {}),
        }
    body["topologySpreadConstraints"] = [
        {
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "maxSkew": 1,
            "labelSelector": {"matchLabels": {names.SERVICE: service}},
        }
    ]
    if volumes := [volume for one in spec.container_definitions for volume in memory.volumes(one)]:
        body["volumes"] = volumes
    annotations = {names.REVISION: f"{spec.task_definition}:{spec.revision}", **pod.annotations(spec)}
    body |= task_resources.of_the_task(spec, layout, features) | pod.pod_settings(spec, layout)
    return {
        "metadata": {"labels": task_labels(spec, service), "annotations": annotations},
        "spec": stops_late(body, spec, deregistration),
    }


def task_labels(spec: TaskDefinitionRevisionSpec, service: str) -> Json:
    return {
        **isolation.label(spec),
        names.MANAGED_BY: names.FIELD_MANAGER,
        names.APP_NAME: service,
        names.CLUSTER: DEFAULT_CLUSTER,
        names.SERVICE: service,
        names.FAMILY: names.label_value(spec.family or spec.task_definition),
    }
