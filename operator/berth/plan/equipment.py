"""What a task is given beside its containers: volumes, secrets, an identity, pull secrets."""

from berth import names
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan import isolation, placement_constraint, registry, secret, task_role, volume
from berth.plan.affinity import with_affinity
from berth.plan.external_secret import external_secrets
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import Place

Added = dict[str, dict[str, list[Json]]]


def equipped(
    template: Json, spec: TaskDefinitionRevisionSpec, place: Place, configurations: volume.Configurations = ()
) -> Json | Blocked:
    """A task's template with all that the platform gives to it, or the sentence about what it has not."""
    return isolation.unenforced(spec, place) or _given(template, spec, place, configurations)


def _given(
    template: Json, spec: TaskDefinitionRevisionSpec, place: Place, configurations: volume.Configurations
) -> Json | Blocked:
    volumes = volume.sources(spec, place, configurations)
    identity = task_role.identity(spec, place)
    pulls = registry.pull_secrets(spec, place)
    if isinstance(volumes, Blocked):
        return volumes
    if isinstance(identity, Blocked):
        return identity
    if isinstance(pulls, Blocked):
        return pulls
    added = _added(spec, place)
    if isinstance(added, Blocked):
        return added
    where = _where(spec, place)
    if isinstance(where, Blocked):
        return where
    pod = with_affinity({**template["spec"], **_containers(template["spec"], added)}, where)
    if volumes:
        pod["volumes"] = [*pod.get("volumes", []), *volumes]
    if pulls:
        pod["imagePullSecrets"] = [{"name": name} for name in pulls]
    if identity.service_account:
        pod["serviceAccountName"] = identity.service_account
        pod["automountServiceAccountToken"] = identity.token
    metadata: Json = {**template["metadata"], "labels": {**identity.pod_labels, **template["metadata"]["labels"]}}
    return {"metadata": metadata, "spec": pod}


def needed(spec: TaskDefinitionRevisionSpec, place: Place) -> list[Child] | Blocked:
    """The objects that a revision needs, whoever runs it; or what keeps everybody from running it."""
    pulls = registry.pull_secrets(spec, place)
    identity = task_role.identity(spec, place)
    network = isolation.unenforced(spec, place)
    for found in (network, volume.unchecked(spec, place), identity, pulls, _added(spec, place), _where(spec, place)):
        if isinstance(found, Blocked):
            return found
    secrets = external_secrets(spec, place)
    if isinstance(secrets, Blocked):
        return secrets
    return [*secrets, *task_role.service_account(spec, place)]


def _where(spec: TaskDefinitionRevisionSpec, place: Place) -> Json | Blocked:
    """On which nodes tasks can run, as far as the task definition says; nothing while secrets cannot be fetched."""
    fetched = external_secrets(spec, place)
    if isinstance(fetched, Blocked):
        return fetched
    return placement_constraint.affinity(spec.placement_constraints or (), place.platform)


def _added(spec: TaskDefinitionRevisionSpec, place: Place) -> Added | Blocked:
    """What each container gets, by its name in the pod."""
    made: Added = {}
    for index, definition in enumerate(spec.container_definitions):
        field = f"containerDefinitions[{index}]"
        variables = secret.variables(definition, field, spec, place)
        files = secret.files(definition, field, place)
        if isinstance(variables, Blocked):
            return variables
        if isinstance(files, Blocked):
            return files
        mounts = volume.mounts(definition, spec)
        made[names.dns_label(definition.name)] = {"env": variables, "envFrom": files, "volumeMounts": mounts}
    return made


def _containers(pod: Json, added: Added) -> Json:
    """The containers of a pod with what they get; those that no definition names are left as they are."""
    return {
        part: [_container(one, added.get(one["name"], {})) for one in pod[part]]
        for part in ("initContainers", "containers")
        if part in pod
    }


def _container(made: Json, added: dict[str, list[Json]]) -> Json:
    return {**made, **{key: [*made.get(key, []), *items] for key, items in added.items() if items}}
