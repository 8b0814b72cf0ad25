"""volumes, mountPoints and volumesFrom: where a task's data is."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape

VolumeName = Annotated[str, Field(pattern="^[a-zA-Z0-9_-]+$", max_length=255)]
Path = Annotated[str, Field(max_length=1024)]
FileSystemId = Annotated[str, Field(min_length=1, max_length=128)]
Switch = Literal["ENABLED", "DISABLED"]


class MountPoint(Shape):
    """A volume of the task inside a container."""

    source_volume: VolumeName
    """The volume's name, from the task's `volumes`."""
    container_path: Annotated[str, Field(min_length=1, max_length=1024)]
    """Where it is mounted. What the image has there is hidden, also when the volume is empty."""
    read_only: bool = False
    """True when the container may not write to it."""


class VolumeFrom(Shape):
    """All mounts of another container of the task."""

    source_container: Annotated[str, Field(max_length=255)]
    """The container whose mounts these are."""
    read_only: bool = False
    """True when this container may not write to them."""


class Host(Shape):
    """A directory of the node, or one that lives as long as the task."""

    source_path: Path | None = None
    """A directory of the node, where the platform allows that. Left out: an empty one that is gone with the task."""


class DockerVolumeConfiguration(Shape):
    """A volume of Docker's."""

    scope: Literal["task", "shared"] = "task"
    """task: gone with the task. shared: stays, as a claim that the platform keeps under the volume's name."""
    autoprovision: bool = False
    """Accepted: a shared volume exists before its tasks."""
    driver: Literal["local"] = "local"
    """Other drivers have their own volumes on Kubernetes: ask the platform for a shared volume."""
    driver_opts: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=16)] = Field(
        default_factory=dict[str, str]
    )
    """Options of the driver; none is known here."""
    labels: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=16)] = Field(
        default_factory=dict[str, str]
    )
    """Accepted: nothing reads them."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.driverOpts.size() == 0",
            message="driverOpts have no meaning here: ask the platform for a shared volume, and use scope shared",
            holds=lambda self: not self.driver_opts,
            field=".driverOpts",
        ),
    )


class EfsAuthorizationConfig(Shape):
    """Who a task is to the file system."""

    access_point_id: Annotated[str, Field(max_length=128)] | None = None
    """An access point, which sets user and directory."""
    iam: Switch = "DISABLED"
    """ENABLED: the file system asks IAM, with the identity of the node's driver."""


class EfsVolumeConfiguration(Shape):
    """A file system of Amazon EFS, as the claim that the platform keeps for it."""

    file_system_id: FileSystemId
    """The file system's id; the platform says which claim holds it here."""
    root_directory: Path = "/"
    """The directory of the file system that is the volume's root; made when it is missing."""
    transit_encryption: Switch = "DISABLED"
    """ENABLED needs a claim that the platform knows to be encrypted in transit."""
    transit_encryption_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Accepted: the driver chooses its own port."""
    authorization_config: EfsAuthorizationConfig | None = None
    """Access point and IAM."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.authorizationConfig) || self.transitEncryption == 'ENABLED' || "
            "(!has(self.authorizationConfig.accessPointId) && self.authorizationConfig.iam == 'DISABLED')",
            message="transitEncryption must be ENABLED with an access point or with IAM",
            holds=lambda self: (
                self.authorization_config is None
                or self.transit_encryption == "ENABLED"
                or (self.authorization_config.access_point_id is None and self.authorization_config.iam == "DISABLED")
            ),
            field=".transitEncryption",
        ),
        Rule(
            cel="!has(self.authorizationConfig) || !has(self.authorizationConfig.accessPointId) || "
            "self.rootDirectory in ['', '/']",
            message="rootDirectory must be left out or be / with an access point, which has a directory of its own",
            holds=lambda self: (
                self.authorization_config is None
                or self.authorization_config.access_point_id is None
                or self.root_directory in {"", "/"}
            ),
            field=".rootDirectory",
        ),
        Rule(
            cel="!self.rootDirectory.matches('(^|/)[.][.](/|$)')",
            message="rootDirectory must not lead out of the file system by ..",
            holds=lambda self: ".." not in self.root_directory.split("/"),
            field=".rootDirectory",
        ),
    )


class FsxAuthorizationConfig(Shape):
    """How a Windows file server is logged in to."""

    credentials_parameter: Annotated[str, Field(max_length=2048)]
    """Accepted: the claim's own volume logs in."""
    domain: Annotated[str, Field(max_length=256)]
    """Accepted: the claim's own volume logs in."""


class FsxVolumeConfiguration(Shape):
    """A Windows file server of Amazon FSx, as the claim that the platform keeps for it."""

    file_system_id: FileSystemId
    """The file system's id; the platform says which claim holds it here."""
    root_directory: Path
    """The directory that is the volume's root."""
    authorization_config: FsxAuthorizationConfig
    """How it is logged in to."""


class S3FilesVolumeConfiguration(Shape):
    """A file system over a bucket, which Kubernetes has no equal of."""

    file_system_arn: Annotated[str, Field(max_length=2048)]
    """The file system's ARN."""
    root_directory: Path | None = None
    """The directory that is the volume's root."""
    transit_encryption_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """A port for encryption."""
    access_point_arn: Annotated[str, Field(max_length=2048)] | None = None
    """An access point."""


SOURCES = (
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "s3filesVolumeConfiguration",
)
_HAS = " + ".join(f"(has(self.{source}) ? 1 : 0)" for source in SOURCES)


class Volume(Shape):
    """A volume of the task: one kind, or none for an empty directory that lives as long as the task."""

    name: VolumeName
    """The volume's name, by which mountPoints name it."""
    host: Host | None = None
    """A directory of the node, or an empty one."""
    docker_volume_configuration: DockerVolumeConfiguration | None = None
    """A volume of Docker's."""
    efs_volume_configuration: EfsVolumeConfiguration | None = None
    """A file system of Amazon EFS."""
    fsx_windows_file_server_volume_configuration: FsxVolumeConfiguration | None = None
    """A Windows file server of Amazon FSx."""
    s3files_volume_configuration: Annotated[
        S3FilesVolumeConfiguration | None, Field(alias="s3filesVolumeConfiguration")
    ] = None
    """Refused: Kubernetes has no such volume."""
    configured_at_launch: bool = False
    """True: the Service says in volumeConfigurations what the volume is, one for each task."""

    @property
    def of_the_host(self) -> bool:
        """Fargate has no such volumes."""
        return self.docker_volume_configuration is not None or bool(self.host and self.host.source_path)

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"{_HAS} + (self.configuredAtLaunch ? 1 : 0) <= 1",
            message="a volume is of one kind: keep one of its configurations, or configuredAtLaunch",
            holds=lambda self: (
                sum(
                    one is not None
                    for one in (
                        self.host,
                        self.docker_volume_configuration,
                        self.efs_volume_configuration,
                        self.fsx_windows_file_server_volume_configuration,
                        self.s3files_volume_configuration,
                    )
                )
                + self.configured_at_launch
                <= 1
            ),
        ),
        Rule(
            cel="!has(self.s3filesVolumeConfiguration)",
            message="s3filesVolumeConfiguration is refused: Kubernetes has no such volume; use an EFS file system, "
            "or let the task read the bucket itself",
            holds=lambda self: self.s3files_volume_configuration is None,
            field=".s3filesVolumeConfiguration",
        ),
    )
