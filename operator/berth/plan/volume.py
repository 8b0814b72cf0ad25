"""Volumes of a task, and where its containers see them."""

from berth import names
from berth.adapters import Claim, FileSystem
from berth.api.container import ContainerDefinition
from berth.api.ebs_volume import ServiceVolumeConfiguration
from berth.api.task_definition import TaskDefinitionSpec
from berth.api.volume import EfsVolumeConfiguration, Volume
from berth.plan import ebs_volume
from berth.plan.outcome import Blocked, Json
from berth.plan.place import Place, unmapped, unsupported
from berth.plan.translation import Around, Translation

FIELD = "volumes[]"
MOUNTS = "containerDefinitions[].mountPoints"

Configurations = tuple[ServiceVolumeConfiguration, ...]


def _enabled(value: object, _: Around) -> bool:
    return value == "ENABLED"


TRANSLATIONS = (
    Translation(FIELD, "Exact", "spec.volumes[]"),
    Translation(f"{FIELD}.host", "Exact", "emptyDir, or hostPath with a sourcePath"),
    Translation(
        f"{FIELD}.dockerVolumeConfiguration",
        "Close",
        "emptyDir for scope task; a claim of the platform's for scope shared",
        "an empty volume hides what the image has at its path, where Docker copies it into the volume first",
    ),
    Translation(
        f"{FIELD}.dockerVolumeConfiguration.labels", "LeftOut", "nothing", "labels of a volume: nothing reads them"
    ),
    Translation(
        f"{FIELD}.efsVolumeConfiguration",
        "Close",
        "a claim of the platform's for the file system, with subPath for rootDirectory",
        "the file system is the claim that the platform keeps for it; a missing rootDirectory is made",
    ),
    Translation(
        f"{FIELD}.dockerVolumeConfiguration.driverOpts",
        "Refused",
        "nothing",
        "options of Docker's drivers have no meaning here: ask the platform for a shared volume, and use scope shared",
    ),
    Translation(
        f"{FIELD}.efsVolumeConfiguration.transitEncryption",
        "Close",
        "a claim that the platform knows to be encrypted in transit",
        "the claim's own volume encrypts, as the platform says; ENABLED is refused where nothing says so",
        when=_enabled,
    ),
    Translation(f"{FIELD}.efsVolumeConfiguration.transitEncryption", "Exact", "nothing: DISABLED asks for nothing"),
    Translation(
        f"{FIELD}.efsVolumeConfiguration.authorizationConfig.accessPointId",
        "Close",
        "a claim of the platform's for the access point",
        "the access point is a claim of its own; it is refused where the platform names none",
    ),
    Translation(
        f"{FIELD}.efsVolumeConfiguration.authorizationConfig.iam",
        "Close",
        "a claim that the platform knows to be mounted with IAM",
        "the file system asks IAM for the storage driver's identity, not the task's; "
        "ENABLED is refused where nothing says that the claim is mounted so",
        when=_enabled,
    ),
    Translation(
        f"{FIELD}.efsVolumeConfiguration.authorizationConfig.iam", "Exact", "nothing: DISABLED asks for nothing"
    ),
    Translation(
        f"{FIELD}.efsVolumeConfiguration.transitEncryptionPort",
        "LeftOut",
        "nothing",
        "the storage driver chooses its own port",
    ),
    Translation(
        f"{FIELD}.fsxWindowsFileServerVolumeConfiguration",
        "Close",
        "a claim of the platform's for the file server, with subPath for rootDirectory",
        "the file server is the claim that the platform keeps for it, which logs in with credentials of its own",
    ),
    Translation(
        f"{FIELD}.s3filesVolumeConfiguration", "Refused", "nothing", "Kubernetes has no such volume; use EFS instead"
    ),
    Translation(f"{FIELD}.configuredAtLaunch", "Exact", "a generic ephemeral volume, one for each task"),
    Translation(MOUNTS, "Exact", "containers[].volumeMounts"),
    Translation(
        "containerDefinitions[].volumesFrom",
        "Close",
        "the other container's volumeMounts",
        "volumes that only the other container's image declares are not shared",
    ),
)


def sources(spec: TaskDefinitionSpec, place: Place, configurations: Configurations = ()) -> list[Json] | Blocked:
    """The pod's volumes, or the sentence about the first that cannot be."""
    given = {one.name: one.managed_ebs_volume for one in configurations}
    found: list[Json] = []
    for index, volume in enumerate(spec.volumes):
        if volume.configured_at_launch:
            source = ebs_volume.ephemeral(volume.name, given.get(volume.name), spec, place)
        else:
            source = _source(volume, f"volumes[{index}]", place)
        if isinstance(source, Blocked):
            return source
        found.append({"name": names.dns_label(volume.name), **source})
    unknown = sorted(given.keys() - {volume.name for volume in spec.volumes if volume.configured_at_launch})
    if unknown:
        return unsupported(
            "volumeConfigurations",
            f"the task definition has no volume {unknown[0]} with configuredAtLaunch; name one that it has",
        )
    return found


def unchecked(spec: TaskDefinitionSpec, place: Place) -> Blocked | None:
    """What keeps every Service from running this definition; volumes configured at launch are the Service's to say."""
    fixed = spec.model_copy(update={"volumes": [one for one in spec.volumes if not one.configured_at_launch]})
    found = sources(fixed, place)
    return found if isinstance(found, Blocked) else None


def mounts(definition: ContainerDefinition, spec: TaskDefinitionSpec) -> list[Json]:
    """A container's mounts: its own, and those that it takes from others; of two at one path the nearer wins."""
    found: dict[str, Json] = {}
    _collect(definition, spec, found, (False, frozenset()))
    return list(found.values())


def _collect(
    definition: ContainerDefinition, spec: TaskDefinitionSpec, found: dict[str, Json], way: tuple[bool, frozenset[str]]
) -> None:
    read_only, seen = way
    volumes = {volume.name: volume for volume in spec.volumes}
    for point in definition.mount_points:
        mount: Json = {"name": names.dns_label(point.source_volume), "mountPath": point.container_path}
        if point.read_only or read_only:
            mount["readOnly"] = True
        if path := _sub_path(volumes[point.source_volume]):
            mount["subPath"] = path
        found.setdefault(point.container_path, mount)
    others = {one.name: one for one in spec.container_definitions}
    for source in definition.volumes_from:
        if source.source_container not in seen | {definition.name}:
            further = (read_only or source.read_only, seen | {definition.name})
            _collect(others[source.source_container], spec, found, further)


def _source(volume: Volume, field: str, place: Place) -> Json | Blocked:
    if volume.host is not None and volume.host.source_path:
        return _host_path(volume.host.source_path, field, place)
    docker = volume.docker_volume_configuration
    if docker is not None and docker.scope == "shared":
        line = f"storage.sharedVolumes.{volume.name}.claim: NAME"
        what = f"the shared volume {volume.name} is not mapped to a claim"
        known = place.platform.storage.shared_volumes.get(volume.name)
        return _claim(known) if known else unmapped(f"{field}.dockerVolumeConfiguration", what, line)
    if volume.efs_volume_configuration is not None:
        return _efs(volume.efs_volume_configuration, f"{field}.efsVolumeConfiguration", place)
    fsx = volume.fsx_windows_file_server_volume_configuration
    if fsx is not None:
        system = _file_system(fsx.file_system_id, f"{field}.fsxWindowsFileServerVolumeConfiguration", place)
        return system if isinstance(system, Blocked) else _claim(system)
    return {"emptyDir": {}}


def _host_path(path: str, field: str, place: Place) -> Json | Blocked:
    if not place.privileged:
        return Blocked(
            "PrivilegeNotAllowed",
            f"{field}.host.sourcePath: directories of nodes are off in this namespace; leave sourcePath out, or the "
            f"platform team adds {place.namespace} to the setting BERTH_PRIVILEGED_NAMESPACES",
        )
    return {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}


def _file_system(identity: str, field: str, place: Place) -> FileSystem | Blocked:
    known = place.platform.storage.file_systems.get(identity)
    line = f"storage.fileSystems.{identity}.claim: NAME"
    return known or unmapped(f"{field}.fileSystemId", f"the file system {identity} is not mapped to a claim", line)


def _efs(efs: EfsVolumeConfiguration, field: str, place: Place) -> Json | Blocked:
    system = _file_system(efs.file_system_id, field, place)
    if isinstance(system, Blocked):
        return system
    entry = f"storage.fileSystems.{efs.file_system_id}"
    if efs.transit_encryption == "ENABLED" and not system.encrypted:
        what = f"nothing says that the claim {system.claim} is encrypted in transit"
        return unmapped(f"{field}.transitEncryption", what, f"{entry}.encrypted: true")
    authorization = efs.authorization_config
    if authorization is None:
        return _claim(system)
    if authorization.iam == "ENABLED" and not system.iam:
        what = f"nothing says that the claim {system.claim} is mounted with IAM"
        return unmapped(f"{field}.authorizationConfig.iam", what, f"{entry}.iam: true")
    point = authorization.access_point_id
    if not point:
        return _claim(system)
    known = system.access_points.get(point)
    what = f"the access point {point} is not mapped to a claim"
    line = f"{entry}.accessPoints.{point}.claim: NAME"
    return _claim(known) if known else unmapped(f"{field}.authorizationConfig.accessPointId", what, line)


def _claim(claim: Claim) -> Json:
    return {"persistentVolumeClaim": {"claimName": claim.claim}}


def _sub_path(volume: Volume) -> str:
    configuration = volume.efs_volume_configuration or volume.fsx_windows_file_server_volume_configuration
    if configuration is None:
        return ""
    return "/".join(part for part in configuration.root_directory.replace("\\", "/").split("/") if part)
