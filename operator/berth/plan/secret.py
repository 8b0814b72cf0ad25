"""Secrets and files of variables: references that the kubelet resolves. The operator never reads a value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from berth import names
from berth.adapters import SecretStore
from berth.api.container import ContainerDefinition
from berth.api.secret import Secret
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan.outcome import Blocked, Json
from berth.plan.place import Place, unmapped, unsupported
from berth.plan.translation import Translation

CONTAINER = "containerDefinitions[]"
TRANSLATIONS = (
    Translation(
        f"{CONTAINER}.secrets",
        "Close",
        "env[].valueFrom.secretKeyRef",
        "a task whose secret is missing waits for it, where ECS stops the task",
    ),
    Translation(
        f"{CONTAINER}.environmentFiles",
        "Close",
        "envFrom[]",
        "the variables come from the ConfigMap or Secret that the platform keeps for the file, not from S3",
    ),
)

KUBERNETES = re.compile(r"secret:([a-z0-9]([-a-z0-9.]*[a-z0-9])?)/([-._a-zA-Z0-9]+)")
SECRETS_MANAGER = re.compile(r"(arn:[^:]*:secretsmanager:([^:]*):[^:]*:secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?")
PARAMETER = re.compile(r"arn:[^:]*:ssm:([^:]*):[^:]*:parameter/(.+)")
PARAMETER_NAME = re.compile(r"[-._/a-zA-Z0-9]+")
VALUE = "value"


@dataclass(frozen=True, slots=True)
class Remote:
    """A secret of AWS's, as External Secrets asks for it."""

    service: str
    region: str
    key: str
    json_key: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A secret that External Secrets puts into the revision's own Secret."""

    key: str
    """The key there."""
    remote: Remote
    store: SecretStore


def secret_name(spec: TaskDefinitionRevisionSpec) -> str:
    """The Secret that External Secrets keeps for a revision."""
    return names.joined(names.revision(spec.task_definition, spec.revision), "secrets")


def variables(
    definition: ContainerDefinition, field: str, spec: TaskDefinitionRevisionSpec, place: Place
) -> list[Json] | Blocked:
    """The secrets of a container as environment variables, or the sentence about the first that has no place here."""
    made: list[Json] = []
    for index, secret in enumerate(definition.secrets):
        found = _resolved(definition, secret, f"{field}.secrets[{index}].valueFrom", place)
        if isinstance(found, Blocked):
            return found
        name, key = (secret_name(spec), found.key) if isinstance(found, Fetched) else found
        made.append({"name": secret.name, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}})
    return made


def files(definition: ContainerDefinition, field: str, place: Place) -> list[Json] | Blocked:
    """Files of variables. ECS takes the first value of a name, the kubelet the last: so they come in reverse."""
    made: list[Json] = []
    for index, file in enumerate(definition.environment_files):
        known = place.platform.environment_files.get(file.value)
        if known is not None and known.config_map:
            made.insert(0, {"configMapRef": {"name": known.config_map}})
        elif known is not None and known.secret:
            made.insert(0, {"secretRef": {"name": known.secret}})
        else:
            return unmapped(
                f"{field}.environmentFiles[{index}].value",
                f"{file.value} is not mapped to a ConfigMap or Secret",
                f'environmentFiles: {{"{file.value}": {{configMap: NAME}}}}',
            )
    return made


def fetched(spec: TaskDefinitionRevisionSpec, place: Place) -> Iterator[Fetched]:
    """What External Secrets must fetch for a revision."""
    for definition in spec.container_definitions:
        for secret in definition.secrets:
            found = _resolved(definition, secret, "", place)
            if isinstance(found, Fetched):
                yield found


def remote_of(value_from: str, field: str) -> Remote | Blocked:
    """What a valueFrom of AWS's means."""
    if match := SECRETS_MANAGER.fullmatch(value_from):
        arn, region, json_key, stage, version = (part or "" for part in match.groups())
        if stage and version:
            return unsupported(field, "version-stage and version-id exclude each other: keep one of them")
        return Remote("SecretsManager", region, arn, json_key, f"uuid/{version}" if version else stage)
    if match := PARAMETER.fullmatch(value_from):
        # The ARN of /a/b ends in parameter/a/b, that of a name without slashes in parameter/name.
        name = match[2]
        return Remote("ParameterStore", match[1], f"/{name}" if "/" in name else name)
    if PARAMETER_NAME.fullmatch(value_from):
        return Remote("ParameterStore", "", value_from)
    return unsupported(
        field,
        f"{value_from} is neither secret:NAME/KEY, nor the ARN of a Secrets Manager secret or SSM parameter, nor a "
        "parameter's name",
    )


def store_for(remote: Remote, place: Place) -> SecretStore | None:
    """The store of the secret's own region, or one for every region."""
    fitting = [one for one in place.platform.secrets.stores if one.service == remote.service]
    for region in (remote.region, ""):
        for store in fitting:
            if store.region == region:
                return store
    return None


def _resolved(
    definition: ContainerDefinition, secret: Secret, field: str, place: Place
) -> tuple[str, str] | Fetched | Blocked:
    if match := KUBERNETES.fullmatch(secret.value_from):
        return (match[1], match[3])
    if secret.value_from.startswith("secret:"):
        return unsupported(field, f"{secret.value_from} is not secret:NAME/KEY")
    remote = remote_of(secret.value_from, field)
    if isinstance(remote, Blocked):
        return remote
    if known := _mapped(secret.value_from, remote, place):
        return known
    store = store_for(remote, place)
    if store is None:
        what = f"{secret.value_from} is not mapped, and no secret store reads from {remote.service}"
        line = f'secrets.mapped: {{"{secret.value_from}": {{name: NAME, key: KEY}}}}'
        return unmapped(field, what, line)
    return Fetched(f"{names.dns_label(definition.name)}.{secret.name}", remote, store)


def _mapped(value_from: str, remote: Remote, place: Place) -> tuple[str, str] | None:
    mapped = place.platform.secrets.mapped
    known = mapped.get(value_from)
    if known is None and not remote.version:
        known = mapped.get(remote.key)
    return (known.name, known.key or remote.json_key or VALUE) if known is not None else None
