"""What a container may do: its user, its capabilities, and power over its node, which the platform must allow."""

from collections.abc import Iterator

from berth.api.container import ContainerDefinition
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.outcome import Blocked, Json
from berth.plan.translation import Translation
from berth.settings import Settings

ANY = "*"
# What container runtimes give without asking; Pod Security's baseline lets pods add these.
HARMLESS = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
# Kubernetes refuses allowPrivilegeEscalation: false beside these.
ESCALATING = frozenset({"SYS_ADMIN", "ALL"})
# The types of SELinux that keep a container a container, as Pod Security's baseline has them.
CONFINED = frozenset({"container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
CONTAINER = "containerDefinitions[]"

TRANSLATIONS = (
    Translation(f"{CONTAINER}.user", "Exact", "securityContext.runAsUser and runAsGroup"),
    Translation(f"{CONTAINER}.privileged", "Exact", "securityContext.privileged, where the platform allows it"),
    Translation(f"{CONTAINER}.readonlyRootFilesystem", "Exact", "securityContext.readOnlyRootFilesystem"),
    Translation(
        f"{CONTAINER}.dockerSecurityOptions", "Exact", "securityContext, where the platform allows what loosens it"
    ),
    Translation(f"{CONTAINER}.linuxParameters.capabilities", "Exact", "securityContext.capabilities"),
    Translation(f"{CONTAINER}.credentialSpecs", "Refused", "nothing", "gMSA identities are not given to tasks yet"),
)


def privileges(spec: TaskDefinitionSpec) -> Iterator[str]:
    """The fields that ask for power over the node, as a user finds them."""
    if spec.network_mode == "host":
        yield "networkMode host"
    if spec.pid_mode == "host":
        yield "pidMode host"
    if spec.ipc_mode == "host":
        yield "ipcMode host"
    for one in spec.container_definitions:
        for asked in _of_container(one):
            yield f"{asked} (container {one.name})"
        if spec.network_mode == "bridge":
            for port in one.port_mappings:
                if port.host_port:
                    yield f"hostPort {port.host_port} (container {one.name})"


def _of_container(one: ContainerDefinition) -> Iterator[str]:
    if one.privileged:
        yield "privileged"
    if more := sorted(set(_capabilities(one)) - HARMLESS):
        yield f"linuxParameters.capabilities.add {', '.join(more)}"
    for option in one.docker_security_options or ():
        if _loosens(option):
            yield f"dockerSecurityOptions {option}"


def refused(spec: TaskDefinitionSpec, namespace: str, settings: Settings) -> Blocked | None:
    """Power over a node is given by whoever runs the operator, not by whoever writes a task definition."""
    allowed = settings.privileged_namespaces
    if ANY in allowed or namespace in allowed:
        return None
    asked = list(privileges(spec))
    if not asked:
        return None
    return Blocked(
        "PrivilegeNotAllowed",
        f"tasks in namespace {namespace} may not have {'; '.join(asked)}: leave it out, or let the platform team add "
        f"{namespace} to BERTH_PRIVILEGED_NAMESPACES (privileged_namespaces in the operator's settings)",
    )


def security_context(definition: ContainerDefinition) -> Json:
    """Nothing that ECS gives a container without asking needs more than no privileges at all."""
    added = _capabilities(definition)
    made: Json = {}
    if definition.privileged:
        made["privileged"] = True
    elif not ESCALATING.intersection(added):
        made["allowPrivilegeEscalation"] = False
    if definition.user is not None:
        user, _, group = definition.user.replace("root", "0").partition(":")
        made["runAsUser"] = int(user)
        if group:
            made["runAsGroup"] = int(group)
    if definition.readonly_root_filesystem:
        made["readOnlyRootFilesystem"] = True
    if changed := _changed(definition):
        made["capabilities"] = changed
    return made | _options(definition.docker_security_options or ())


def _loosens(option: str) -> bool:
    """It takes a container out of what AppArmor or SELinux confine it to."""
    kind, _, value = option.partition(":")
    part, _, name = value.partition(":")
    if kind == "apparmor":
        return value == "unconfined"
    return kind == "label" and (part in {"user", "role"} or (part == "type" and name not in CONFINED))


def _capabilities(definition: ContainerDefinition) -> list[str]:
    linux = definition.linux_parameters
    return list(linux.capabilities.add or ()) if linux and linux.capabilities else []


def _changed(definition: ContainerDefinition) -> Json:
    linux = definition.linux_parameters
    if linux is None or linux.capabilities is None:
        return {}
    lists = {"add": linux.capabilities.add, "drop": linux.capabilities.drop}
    return {key: list(values) for key, values in lists.items() if values}


def _options(options: list[str] | tuple[()]) -> Json:
    made: Json = {}
    for option in options:
        kind, _, value = option.partition(":")
        if kind == "apparmor":
            unconfined = value == "unconfined"
            made["appArmorProfile"] = (
                {"type": "Unconfined"} if unconfined else {"type": "Localhost", "localhostProfile": value}
            )
        elif kind == "label":
            part, _, name = value.partition(":")
            made.setdefault("seLinuxOptions", {})[part] = name
    return made
