"""A volume configured at launch: a claim for each task, made by the StorageClass that the platform names."""

from berth import names
from berth.adapters import BlockVolumeClass
from berth.api.ebs_volume import ManagedEBSVolume
from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.outcome import Blocked, Json
from berth.plan.place import FILE, Place, unmapped, unsupported
from berth.plan.pod import as_json

SNAPSHOTS = "snapshot.storage.k8s.io"
GIBIBYTES_PER_TEBIBYTE = 1024


def ephemeral(name: str, wanted: ManagedEBSVolume | None, spec: TaskDefinitionSpec, place: Place) -> Json | Blocked:
    """A volume for each task, gone with it."""
    if wanted is None:
        return unsupported(
            "volumeConfigurations",
            f"the task definition leaves volume {name} to the Service (configuredAtLaunch); add "
            f"`volumeConfigurations: [{{name: {name}, managedEBSVolume: {{sizeInGiB: 20}}}}]` to the Service",
        )
    field = f"volumeConfigurations ({name})"
    found = _class(wanted, field, place)
    if isinstance(found, Blocked):
        return found
    origin = _origin(wanted, field, place)
    if isinstance(origin, Blocked):
        return origin
    size, source = origin
    claim: Json = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": _gibibytes(size)}},
        "storageClassName": found.storage_class,
        "volumeMode": "Filesystem",
        **source,
    }
    annotations = _annotations(wanted, spec)
    metadata: Json = {"metadata": {"annotations": annotations}} if annotations else {}
    return {"ephemeral": {"volumeClaimTemplate": {**metadata, "spec": claim}}}


def _class(wanted: ManagedEBSVolume, field: str, place: Place) -> BlockVolumeClass | Blocked:
    """The first class of the type that has all that is asked for, or what the type's own class lacks."""
    kind = wanted.volume_type or "default"
    known = place.platform.storage.block_volumes.get(kind)
    entry = f"storage.blockVolumes.{kind}"
    if known is None:
        return unmapped(field, f"volumes of type {kind} have no StorageClass", f"{entry}.storageClass: NAME")
    for one in (known, *known.others):
        if not _lacks(wanted, one):
            return one
    every = ", ".join(f"{key}: {_word(value)}" for key, value in _asked(wanted).items())
    another = f"{entry}.others: [{{storageClass: NAME, {every}}}]"
    if known.others:
        return unmapped(field, f"no StorageClass for volumes of type {kind} has {every}", another)
    lacking, has = _lacks(wanted, known), _facts(known)
    what, value = next(iter(lacking.items()))
    line = another if any(has[key] for key in lacking) else f"{entry}.{what}: {_word(value)}"
    said = "encrypts" if what == "encrypted" else f"has {what} {value}"
    return unmapped(f"{field}.{what}", f"nothing says that the StorageClass {known.storage_class} {said}", line)


def _lacks(wanted: ManagedEBSVolume, known: BlockVolumeClass) -> Json:
    has = _facts(known)
    return {key: value for key, value in _asked(wanted).items() if has[key] != value}


def _asked(wanted: ManagedEBSVolume) -> Json:
    """What a Service asks of a class, in the words of the platform file."""
    return {key: value for key, value in _facts(wanted).items() if value}


def _facts(one: ManagedEBSVolume | BlockVolumeClass) -> Json:
    return {
        "encrypted": one.encrypted,
        "kmsKeyId": one.kms_key_id,
        "iops": one.iops,
        "throughput": one.throughput,
        "filesystemType": one.filesystem_type,
    }


def _word(value: object) -> str:
    return "true" if value is True else str(value)


def _origin(wanted: ManagedEBSVolume, field: str, place: Place) -> tuple[int, Json] | Blocked:
    """The size, and the snapshot that the volume is made of."""
    snapshot = wanted.snapshot_id
    if snapshot is None:
        return wanted.size_in_gib or 0, {}
    known = place.platform.storage.snapshots.get(snapshot)
    entry = f"storage.snapshots.{snapshot}"
    if known is None:
        what = f"the snapshot {snapshot} is not mapped to a VolumeSnapshot"
        return unmapped(f"{field}.snapshotId", what, f"{entry}.volumeSnapshot: NAME")
    size = wanted.size_in_gib or known.size_in_gib
    if size is None:
        return unsupported(
            f"{field}.sizeInGiB",
            f"Kubernetes does not take the size from the snapshot {snapshot}; name it here, or the platform team adds "
            f"`{entry}.sizeInGiB: SIZE` to {FILE}",
        )
    return size, {"dataSource": {"apiGroup": SNAPSHOTS, "kind": "VolumeSnapshot", "name": known.volume_snapshot}}


def _annotations(wanted: ManagedEBSVolume, spec: TaskDefinitionSpec) -> Json:
    """The volume's tags, as those of a task are kept."""
    tags: dict[str, str] = {}
    for one in wanted.tag_specifications or ():
        given = spec.tags if one.propagate_tags == "TASK_DEFINITION" else None
        tags |= {tag.key: tag.value for tag in (*(given or ()), *(one.tags or ()))}
    return {names.TAGS: as_json(tags)} if tags else {}


def _gibibytes(size: int) -> str:
    """As the API server prints it."""
    return f"{size // GIBIBYTES_PER_TEBIBYTE}Ti" if size % GIBIBYTES_PER_TEBIBYTE == 0 else f"{size}Gi"
