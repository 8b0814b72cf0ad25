"""What a task as a whole asks of its pod: network, names, kernel, platform, time to stop, and what is only recorded."""

import json
from collections.abc import Iterator

from berth import names
from berth.api.process import SystemControl
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan import hosts, memory
from berth.plan.dependencies import Layout
from berth.plan.outcome import Blocked, Json
from berth.plan.translation import Around, Translation

STOP_TIMEOUT = 30
WINDOWS_BUILDS = {"2019": "10.0.17763", "2022": "10.0.20348", "2025": "10.0.26100"}
ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}
SAFE_SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]
)
C = "containerDefinitions[]"
GRACE = "terminationGracePeriodSeconds, counted from SIGTERM: a task with ports leaves its addresses before it"


def _several(value: object, around: Around) -> bool:
    return bool(value) and len(around.task.get("containerDefinitions", ())) > 1


def _unsafe(value: object, _: Around) -> bool:
    return value not in SAFE_SYSCTLS


def _shared(value: object, _: Around) -> bool:
    return value == "SHARED"


def _alone(value: object, _: Around) -> bool:
    return value == "none"


def _bridge(value: object, _: Around) -> bool:
    return value == "bridge"


TRANSLATIONS = (
    Translation(
        "networkMode",
        "Close",
        "the pod's own address; hostPort opens ports of the node",
        "the task has an address of its own, which its containers share; a port of the node is opened only for a "
        "hostPort that is named",
        when=_bridge,
    ),
    Translation("networkMode", "Exact", "the pod's own address; host: hostNetwork"),
    Translation("pidMode", "Exact", "shareProcessNamespace or hostPID"),
    Translation(
        "ipcMode",
        "Close",
        "nothing: the one container shares with nobody",
        "a container alone in its task shares no IPC with others, as on ECS, but has a /dev/shm",
        when=_alone,
    ),
    Translation("ipcMode", "Exact", "nothing for task, which pods have; hostIPC"),
    Translation("runtimePlatform", "Exact", "nodeSelector on kubernetes.io/os and kubernetes.io/arch"),
    Translation(
        "ephemeralStorage",
        "Close",
        "resources.limits.ephemeral-storage",
        "a task that writes more is evicted, where writing fails on Fargate",
    ),
    Translation("tags", "Exact", "an annotation of the task"),
    Translation("inferenceAccelerators", "Refused", "nothing", "Elastic Inference is no more"),
    Translation("proxyConfiguration", "Refused", "nothing", "App Mesh is no more"),
    Translation(
        "trustedExecutionConfiguration.isolationMode",
        "Exact",
        "nothing: SHARED is what every task has",
        when=_shared,
    ),
    Translation(
        "trustedExecutionConfiguration",
        "Refused",
        "nothing",
        "sandboxes are not given to tasks, and nothing attests: select nodes whose runtime is a sandbox by a "
        "CapacityProvider",
    ),
    Translation("enableFaultInjection", "Refused", "nothing", "there is no agent that injects faults"),
    Translation(
        f"{C}.stopTimeout",
        "Close",
        GRACE,
        "the containers of a task share one time to stop: the longest of those that stop together, and on top of it "
        "those of sidecars, which stop after them",
        when=_several,
    ),
    Translation(f"{C}.stopTimeout", "Exact", GRACE),
    Translation(f"{C}.hostname", "Exact", "hostname"),
    Translation(
        f"{C}.dnsServers",
        "Close",
        "dnsConfig.nameservers",
        "they hold for all containers of the task, and names of Services in the cluster are not found by them",
    ),
    Translation(
        f"{C}.dnsSearchDomains",
        "Close",
        "dnsConfig.searches",
        "they hold for all containers of the task",
        when=_several,
    ),
    Translation(f"{C}.extraHosts", "Close", "hostAliases", "they hold for all containers of the task", when=_several),
    Translation(
        f"{C}.links",
        "Close",
        "hostAliases for 127.0.0.1",
        "containers of a task share one address, so a link is a name for it; the variables of links are not set",
    ),
    Translation(
        f"{C}.systemControls[].namespace",
        "Close",
        "securityContext.sysctls",
        "Kubernetes counts the parameter as unsafe: nodes must allow it (the kubelet's allowed-unsafe-sysctls), "
        "or tasks do not start there",
        when=_unsafe,
    ),
    Translation(f"{C}.systemControls", "Exact", "securityContext.sysctls"),
    Translation(f"{C}.dockerLabels", "Close", "an annotation of the task", "labels are an annotation of the task"),
    Translation(
        f"{C}.logConfiguration",
        "Close",
        "the kubelet's log, and an annotation",
        "output goes to the node's log (`kubectl logs`), and on to where the cluster's log agent takes it; driver and "
        "options are an annotation for the agent",
    ),
    Translation(
        f"{C}.logConfiguration.secretOptions",
        "LeftOut",
        "nothing",
        "no driver runs that could take it, and secrets are in no annotation: give the log agent its own",
    ),
    Translation(
        f"{C}.firelensConfiguration",
        "LeftOut",
        "a sidecar without input",
        "the router runs, but Kubernetes does not lead other containers' output into it: let the cluster's log agent "
        "take it, or let the application send it to the router's port",
    ),
)


def pod_settings(spec: TaskDefinitionSpec, layout: Layout) -> Json:
    """Fields of the pod's spec, only those that somebody asked for."""
    made: Json = {}
    if spec.network_mode == "host":
        made |= {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    if spec.pid_mode == "host":
        made["hostPID"] = True
    elif spec.pid_mode == "task" or memory.wants_init(spec):
        made["shareProcessNamespace"] = True
    if spec.ipc_mode == "host":
        made["hostIPC"] = True
    if hostname := next((one.hostname for one in spec.container_definitions if one.hostname), None):
        made["hostname"] = hostname
    if found := hosts.aliases(spec):
        made["hostAliases"] = found
    if (grace := _grace(layout)) is not None:
        made["terminationGracePeriodSeconds"] = grace
    return made | _resolver(spec) | _platform(spec)


def annotations(spec: TaskDefinitionSpec) -> dict[str, str]:
    """What nothing on Kubernetes acts on, kept for whoever wants to."""
    found: dict[str, str] = {}
    if spec.tags:
        found[names.TAGS] = as_json({tag.key: tag.value for tag in spec.tags})
    for one in spec.container_definitions:
        name = names.dns_label(one.name)
        if one.docker_labels:
            found[f"{names.DOCKER_LABELS}/{name}"] = as_json(one.docker_labels)
        if log := one.log_configuration:
            options = {"options": log.options} if log.options else {}
            found[f"{names.LOG_CONFIGURATION}/{name}"] = as_json({"logDriver": log.log_driver, **options})
    return found


def sysctls(spec: TaskDefinitionSpec) -> list[Json]:
    values = {one.namespace: one.value for one in _controls(spec)}
    return [{"name": name, "value": value} for name, value in sorted(values.items())]


def refused(spec: TaskDefinitionSpec) -> Blocked | None:
    """What containers of one task cannot have side by side, since they share kernel parameters and one network."""
    values: dict[str, str] = {}
    for control in _controls(spec):
        if values.setdefault(control.namespace, control.value) != control.value:
            return _clash(f"systemControls: {control.namespace} has two values, and containers of a task share it")
        if spec.network_mode == "host" and control.namespace.startswith("net."):
            return _clash(f"systemControls: {control.namespace} cannot be set with networkMode host")
    return None


def is_windows(spec: TaskDefinitionSpec) -> bool:
    family = spec.runtime_platform.operating_system_family if spec.runtime_platform else None
    return family is not None and family != "LINUX"


def _clash(message: str) -> Blocked:
    return Blocked("ContainersClash", message, stalled=True)


def _controls(spec: TaskDefinitionSpec) -> Iterator[SystemControl]:
    for one in spec.container_definitions:
        yield from one.system_controls or ()


def _grace(layout: Layout) -> int | None:
    """Regular containers stop together, sidecars after them; nothing named leaves Kubernetes' 30 seconds, ECS's too."""
    if all(one.stop_timeout is None for one in (*layout.main, *layout.init)):
        return None
    together = max(STOP_TIMEOUT if one.stop_timeout is None else one.stop_timeout for one in layout.main)
    after = sum(one.stop_timeout or 0 for one in layout.init if layout.roles[one.name] == "sidecar")
    return max(1, together + after)


def _resolver(spec: TaskDefinitionSpec) -> Json:
    servers = next((one.dns_servers for one in spec.container_definitions if one.dns_servers), None)
    domains = dict.fromkeys(name for one in spec.container_definitions for name in one.dns_search_domains or ())
    config: Json = {}
    if servers:
        config["nameservers"] = list(servers)
    if domains:
        config["searches"] = list(domains)
    if not config:
        return {}
    return {"dnsConfig": config, **({"dnsPolicy": "None"} if servers else {})}


def _platform(spec: TaskDefinitionSpec) -> Json:
    platform = spec.runtime_platform
    if platform is None:
        return {}
    selector: dict[str, str] = {}
    if platform.cpu_architecture:
        selector["kubernetes.io/arch"] = ARCHITECTURES[platform.cpu_architecture]
    if (family := platform.operating_system_family) is not None:
        system = "windows" if is_windows(spec) else "linux"
        selector["kubernetes.io/os"] = system
        if system == "windows":
            selector["node.kubernetes.io/windows-build"] = WINDOWS_BUILDS[family.split("_")[2]]
    made: Json = {"nodeSelector": dict(sorted(selector.items()))} if selector else {}
    return made | ({"os": {"name": "windows"}} if is_windows(spec) else {})


def as_json(value: object) -> str:
    """As annotations hold it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
