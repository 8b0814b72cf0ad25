"""What a platform team says once: where AWS's secrets, roles, file systems and volumes are in this cluster."""

import re
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from berth.alarm_adapters import Alarms
from berth.network_adapters import Network
from berth.platform_part import Name, Part


class SecretKey(Part):
    """A Kubernetes Secret in the task's own namespace."""

    name: Name
    """The Secret's name."""
    key: Name | None = None
    """Its key; left out, the json-key of valueFrom is the key, or `value` where there is none."""


class SecretStore(Part):
    """A store of External Secrets that reads from one of AWS's services."""

    service: Literal["SecretsManager", "ParameterStore"]
    """SecretsManager, or ParameterStore for SSM's parameters."""
    name: Name
    """The name of the SecretStore or ClusterSecretStore."""
    kind: Literal["SecretStore", "ClusterSecretStore"] = "SecretStore"
    """SecretStore: each namespace has its own, with rights of its own. ClusterSecretStore: one for all."""
    region: Annotated[str, Field(max_length=32)] = ""
    """Only ARNs of this region; empty for every region without a store of its own."""


class Secrets(Part):
    """secrets[].valueFrom and repositoryCredentials."""

    mapped: dict[str, SecretKey] = Field(default_factory=dict[str, SecretKey])
    """valueFrom, as task definitions write it (with or without its suffixes), to a Secret."""
    stores: tuple[SecretStore, ...] = ()
    """What is not mapped is fetched by External Secrets from the first store that fits."""
    refresh_interval: Annotated[str, Field(pattern="^[0-9]+h[0-9]+m[0-9]+s$")] = "1h0m0s"
    """How often External Secrets looks for new values, as it prints durations."""


class EnvironmentFile(Part):
    """A file of variables, as a ConfigMap or a Secret in the task's own namespace."""

    config_map: Name | None = None
    """The ConfigMap whose keys are the variables."""
    secret: Name | None = None
    """Or the Secret."""


class TaskRole(Part):
    """What an IAM role of tasks is in this cluster."""

    service_account: Name
    """A ServiceAccount that exists in the task's own namespace."""
    token: bool = False
    """True mounts the cluster's own token, for tasks that talk to Kubernetes."""
    pod_labels: dict[str, str] = Field(default_factory=dict[str, str])
    """Labels that a cloud's identity webhook looks for, such as azure.workload.identity/use."""


class TaskRoles(Part):
    """taskRoleArn."""

    mapped: dict[str, TaskRole] = Field(default_factory=dict[str, TaskRole])
    """taskRoleArn, as task definitions write it, to a ServiceAccount."""
    irsa: bool = False
    """True makes a ServiceAccount with eks.amazonaws.com/role-arn for every role that is not mapped."""


class Claim(Part):
    """A PersistentVolumeClaim in the task's own namespace."""

    claim: Name
    """Its name."""


class FileSystem(Claim):
    """An EFS or FSx file system."""

    encrypted: bool = False
    """True when the volume behind the claim is encrypted in transit."""
    iam: bool = False
    """True when the volume behind the claim is mounted with IAM authorization."""
    access_points: dict[str, Claim] = Field(default_factory=dict[str, Claim])
    """Access points, each with a claim of its own."""


class BlockVolumeClass(Part):
    """A StorageClass for block volumes, and what the platform knows of it."""

    storage_class: Name
    """The StorageClass that makes them, usually of ebs.csi.aws.com."""
    encrypted: bool = False
    """True when the class encrypts."""
    kms_key_id: Name | None = None
    """The key that it encrypts with, as Services write it."""
    iops: Annotated[int, Field(ge=1)] | None = None
    """How many the class gives."""
    throughput: Annotated[int, Field(ge=1)] | None = None
    """MiB a second that the class gives."""
    filesystem_type: Literal["ext3", "ext4", "xfs", "ntfs"] | None = None
    """The file system that the class makes."""


class BlockVolumes(BlockVolumeClass):
    """The volumes that a Service asks for with managedEBSVolume."""

    others: tuple[BlockVolumeClass, ...] = ()
    """Further classes of the type, for Services that ask for more; the first that has all of it is taken."""


class Snapshot(Part):
    """What a snapshot of AWS's is in this cluster."""

    volume_snapshot: Name
    """A VolumeSnapshot in the task's own namespace."""
    size_in_gib: Annotated[Annotated[int, Field(ge=1)] | None, Field(alias="sizeInGiB")] = None
    """The size of volumes made of it, for Services that name none."""


class Storage(Part):
    """volumes."""

    file_systems: dict[str, FileSystem] = Field(default_factory=dict[str, FileSystem])
    """fileSystemId to what holds it here."""
    shared_volumes: dict[str, Claim] = Field(default_factory=dict[str, Claim])
    """Docker volumes of scope shared, by their name, to a claim."""
    block_volumes: dict[str, BlockVolumes] = Field(default_factory=dict[str, BlockVolumes])
    """volumeType (gp3, io2, …) to a StorageClass; `default` for Services that name no type."""
    snapshots: dict[str, Snapshot] = Field(default_factory=dict[str, Snapshot])
    """snapshotId of a managedEBSVolume to a VolumeSnapshot."""


class EcrRegistry(Part):
    """A registry whose token the operator gets from ECR and keeps fresh, in a pull secret of each namespace that pulls from it."""  # noqa: E501

    account: Annotated[str, Field(pattern="^[0-9]{12}$")]
    """The AWS account that the registry belongs to."""
    region: Annotated[str, Field(pattern="^[a-z]{2}(-[a-z]+)+-[0-9]+$", max_length=32)]
    """Its region."""
    profile: Annotated[str, Field(max_length=128)] = ""
    """A profile of the operator's AWS config file, such as one with a role to assume; empty for the operator's own identity."""  # noqa: E501
    endpoint: Annotated[str, Field(pattern="^(https://.+|http://127[.]0[.]0[.]1(:[0-9]+)?/?)$", max_length=253)] = ""
    """Where ECR's API is, if not at the region's usual address: a VPC endpoint."""
    namespaces: tuple[Name, ...] = ()
    """The namespaces that get the token; empty for all."""

    @property
    def host(self) -> str:
        """The registry's own name."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com{self.suffix}"

    @property
    def suffix(self) -> str:
        return ".cn" if self.region.startswith("cn-") else ""


class Ecr(Part):
    """Images from Amazon ECR."""

    pull_secret: Name | None = None
    """A pull secret in the task's own namespace, which somebody else keeps fresh; left out, nodes pull with their own role."""  # noqa: E501
    registries: tuple[EcrRegistry, ...] = ()
    """Registries that the operator gets tokens for; images of others are pulled as if there were none."""
    refresh_interval: Annotated[str, Field(pattern="^[0-9]+h[0-9]+m[0-9]+s$")] = "6h0m0s"
    """How old a token may become before it is replaced; ECR's live for twelve hours."""

    @property
    def refresh_seconds(self) -> float:
        hours, minutes, seconds = (int(part) for part in re.findall("[0-9]+", self.refresh_interval))
        return float(3600 * hours + 60 * minutes + seconds)


class NodeLabel(Part):
    """What an attribute of container instances is in this cluster."""

    label: Annotated[str, Field(min_length=1, max_length=317)]
    """The label of nodes that holds it."""
    values: tuple[Annotated[str, Field(max_length=63)], ...] = ()
    """Every value that it has here: patterns (=~) are compared with these."""


class NodeScaling(Part):
    """Who brings nodes for CapacityProviders with managedScaling."""

    karpenter: bool = False
    """True: Karpenter is here, and CapacityProviders may own its NodePools."""


class Platform(Part):
    """Everything that ties task definitions written for AWS to this cluster."""

    secrets: Secrets = Secrets()
    """Where secrets are."""
    environment_files: dict[str, EnvironmentFile] = Field(default_factory=dict[str, EnvironmentFile])
    """environmentFiles[].value, the ARN of an object in S3, to a ConfigMap or Secret."""
    pull_secrets: dict[str, Name] = Field(default_factory=dict[str, str])
    """repositoryCredentials.credentialsParameter to a pull secret in the task's own namespace."""
    task_roles: TaskRoles = TaskRoles()
    """What roles of tasks are."""
    storage: Storage = Storage()
    """Where data is."""
    ecr: Ecr = Ecr()
    """How images from ECR are pulled."""
    attributes: dict[str, NodeLabel] = Field(default_factory=dict[str, NodeLabel])
    """Attributes of placement (ecs.ami-id, or one of your own) to labels; without a line a label of the same name."""
    network: Network = Network()
    """What can be relied on between tasks."""
    managed_scaling: NodeScaling = NodeScaling()
    """Who brings nodes."""
    alarms: Alarms | None = None
    """Where alerts are read that make deployments fail."""

    @property
    def options(self) -> frozenset[str]:
        """Parts of the table that only some clusters use, because only some platforms ask for them."""
        asked = {
            "external-secrets": bool(self.secrets.stores),
            "karpenter": self.managed_scaling.karpenter,
            "network-policies": self.network.enforces_policies,
            "gateway-api": self.network.gateway_api,
            "ingresses": bool(self.network.ingress_classes),
            "service-accounts": self.task_roles.irsa,
            "ecr": bool(self.ecr.registries),
        }
        return frozenset(option for option, wanted in asked.items() if wanted)


def platform_from(text: str) -> Any:
    """The content of a platform file, YAML or JSON, before it is checked."""
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"the platform file is no YAML: {error}") from error
