"""Credentials for the registries of a task's images."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from berth import names
from berth.adapters import EcrRegistry, SecretStore
from berth.api.container import ContainerDefinition
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan.outcome import Blocked
from berth.plan.place import Place, unmapped, unsupported
from berth.plan.secret import remote_of
from berth.plan.translation import Translation

TRANSLATIONS = (
    Translation(
        "containerDefinitions[].repositoryCredentials",
        "Close",
        "imagePullSecrets",
        "the credentials are offered for all images of the task, where ECS gives them to one container",
    ),
)

ECR = re.compile(r"((\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws))/.+")
KUBERNETES = re.compile(r"secret:([a-z0-9]([-a-z0-9.]*[a-z0-9])?)")
DOCKER_HUB = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials that External Secrets makes a pull secret of."""

    name: str
    """The pull secret."""
    registry: str
    key: str
    """The Secrets Manager secret with username and password."""
    store: SecretStore


def pull_secrets(spec: TaskDefinitionRevisionSpec, place: Place) -> list[str] | Blocked:
    """The pull secrets of a task, each once, in the order of its containers."""
    found: dict[str, None] = {}
    for index, definition in enumerate(spec.container_definitions):
        field = f"containerDefinitions[{index}].repositoryCredentials.credentialsParameter"
        if definition.repository_credentials is not None:
            login = _login(definition, field, spec, place)
            if isinstance(login, Blocked):
                return login
            found[login.name if isinstance(login, Login) else login] = None
        elif pull := _ecr(definition.image, place):
            found[pull] = None
    return list(found)


def ecr_registry(image: str, place: Place) -> tuple[str, EcrRegistry] | None:
    """An image's host, and the registry there whose token the operator keeps fresh in this namespace."""
    if match := ECR.fullmatch(image):
        for one in place.platform.ecr.registries:
            if (one.account, one.region) == match.groups()[1:] and place.namespace in (
                one.namespaces or (place.namespace,)
            ):
                return match[1], one
    return None


def logins(spec: TaskDefinitionRevisionSpec, place: Place) -> Iterator[Login]:
    """The pull secrets that External Secrets must make for a revision."""
    made: dict[str, Login] = {}
    for definition in spec.container_definitions:
        if definition.repository_credentials is not None:
            login = _login(definition, "", spec, place)
            if isinstance(login, Login):
                made[login.name] = login
    yield from made.values()


def registry_of(image: str) -> str:
    """The key of an image's registry in a pull secret."""
    host, slash, _ = image.partition("/")
    named = bool(slash) and ("." in host or ":" in host or host == "localhost")
    return host if named and host != "docker.io" else DOCKER_HUB


def _ecr(image: str, place: Place) -> str | None:
    if ecr_registry(image, place):
        return names.PULL_SECRET
    return place.platform.ecr.pull_secret if ECR.fullmatch(image) else None


def _login(
    definition: ContainerDefinition, field: str, spec: TaskDefinitionRevisionSpec, place: Place
) -> str | Login | Blocked:
    parameter = definition.repository_credentials.credentials_parameter if definition.repository_credentials else ""
    if match := KUBERNETES.fullmatch(parameter):
        return match[1]
    if known := place.platform.pull_secrets.get(parameter):
        return known
    if parameter.startswith("secret:"):
        return unsupported(field, f"{parameter} is not secret:NAME")
    # A bare name is a secret's here, not a parameter's.
    remote = remote_of(parameter, field)
    service = "SecretsManager"
    region = "" if isinstance(remote, Blocked) else remote.region
    fitting = [one for one in place.platform.secrets.stores if one.service == service and one.region in {region, ""}]
    if not fitting:
        what = f"{parameter} is not mapped, and no secret store reads from {service}"
        return unmapped(field, what, f'pullSecrets: {{"{parameter}": NAME}}')
    registry = registry_of(definition.image)
    revision = names.revision(spec.task_definition, spec.revision)
    return Login(
        names.joined(revision, "pull", names.short(f"{parameter} {registry}")), registry, parameter, fitting[0]
    )
