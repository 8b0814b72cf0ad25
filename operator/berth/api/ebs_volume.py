"""volumeConfigurations: what a volume with configuredAtLaunch is for the tasks of a Service."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.platform import Tag
from berth.api.schema import Rule, Shape, list_map

WITH_IOPS = ("gp3", "io1", "io2")


class EBSTagSpecification(Shape):
    """Tags of the volumes."""

    resource_type: Literal["volume"] = "volume"
    """volume is what there is."""
    tags: Annotated[list[Tag], Field(max_length=50), list_map("key")] | None = None
    """Kept in an annotation of each task's claim."""
    propagate_tags: Literal["TASK_DEFINITION", "SERVICE", "NONE"] | None = None
    """TASK_DEFINITION adds the task definition's tags; a Service has none of its own."""


class ManagedEBSVolume(Shape):
    """A block volume, one for each task, gone with it."""

    size_in_gib: Annotated[Annotated[int, Field(ge=1, le=16384)] | None, Field(alias="sizeInGiB")] = None
    """Its size; with snapshotId it may be left out."""
    volume_type: Annotated[str, Field(pattern="^(gp2|gp3|io1|io2|sc1|st1|standard)$", max_length=8)] | None = None
    """Its type; the platform says which StorageClass makes it here."""
    encrypted: bool = False
    """True needs a StorageClass that the platform knows to encrypt."""
    kms_key_id: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """The key that it is encrypted with; needs a StorageClass that the platform knows to use it."""
    iops: Annotated[int, Field(ge=100, le=256000)] | None = None
    """Needs a StorageClass that the platform knows to give so many."""
    throughput: Annotated[int, Field(ge=1, le=2000)] | None = None
    """MiB a second, for gp3; needs a StorageClass that the platform knows to give so many."""
    filesystem_type: Literal["ext3", "ext4", "xfs", "ntfs"] | None = None
    """Needs a StorageClass that the platform knows to make it; left out, it is what the StorageClass makes."""
    snapshot_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """What is in it at first; the platform says which VolumeSnapshot of the namespace that is."""
    volume_initialization_rate: Annotated[int, Field(ge=1, le=10000)] | None = None
    """Accepted without effect: the storage driver reads a snapshot at a pace of its own."""
    tag_specifications: Annotated[list[EBSTagSpecification], Field(max_length=1), list_map("resourceType")] | None = (
        None
    )
    """Kept in an annotation of each task's claim."""
    role_arn: Annotated[str, Field(max_length=2048)] | None = None
    """Accepted: volumes are made with the storage driver's own identity."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.sizeInGiB) || has(self.snapshotId)",
            message="managedEBSVolume needs sizeInGiB or snapshotId",
            holds=lambda self: self.size_in_gib is not None or self.snapshot_id is not None,
        ),
        Rule(
            cel=f"!has(self.iops) || !has(self.volumeType) || self.volumeType in {list(WITH_IOPS)}",
            message="iops can be chosen for volumes of type gp3, io1 and io2 only",
            holds=lambda self: self.iops is None or self.volume_type in {None, *WITH_IOPS},
            field=".iops",
        ),
        Rule(
            cel="!has(self.throughput) || !has(self.volumeType) || self.volumeType == 'gp3'",
            message="throughput can be chosen for volumes of type gp3 only",
            holds=lambda self: self.throughput is None or self.volume_type in {None, "gp3"},
            field=".throughput",
        ),
        Rule(
            cel="!has(self.volumeInitializationRate) || has(self.snapshotId)",
            message="volumeInitializationRate means nothing without snapshotId: leave it out",
            holds=lambda self: self.volume_initialization_rate is None or self.snapshot_id is not None,
            field=".volumeInitializationRate",
        ),
        Rule(
            cel="!has(self.kmsKeyId) || self.encrypted",
            message="kmsKeyId needs encrypted: true",
            holds=lambda self: self.kms_key_id is None or self.encrypted,
            field=".kmsKeyId",
        ),
    )


class ServiceVolumeConfiguration(Shape):
    """What a volume with configuredAtLaunch is for the tasks of this Service."""

    name: Annotated[str, Field(pattern="^[a-zA-Z0-9_-]+$", max_length=255)]
    """The volume's name, from the task definition."""
    managed_ebs_volume: Annotated[ManagedEBSVolume, Field(alias="managedEBSVolume")]
    """The volume."""
