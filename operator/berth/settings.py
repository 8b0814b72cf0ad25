"""All settings of the operator in one frozen model, read from the environment and the chart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from berth.adapters import Platform, platform_from

PREFIX = "BERTH_"
CLUSTER_WIDE = frozenset({"karpenter"})


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _loaded(value: object) -> object:
    """The platform from its file."""
    if not isinstance(value, Path):
        return value
    try:
        return platform_from(value.read_text())
    except OSError as error:
        raise ValueError(f"cannot read {value}: {error.strerror}") from error


Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]


class Settings(BaseModel):
    """How one operator process works. Each field is the environment variable BERTH_<FIELD> in upper case."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    namespaces: Names = ()
    """Namespaces that this operator serves, separated by commas; empty for the whole cluster."""
    operator_namespace: str = "berth-system"
    """Where the operator runs and keeps its Lease."""
    identity: str = ""
    """The name of this replica in the Lease; empty for the host's name and a random suffix."""
    leader_election: bool = True
    """False lets a single process work without a Lease, as in a test or on a laptop."""
    lease_name: str = "berth-leader"
    """The Lease that replicas compete for. Two operators that share namespaces must share it."""
    lease_seconds: Annotated[float, Field(gt=0)] = 15
    """How long a leader that fell silent keeps its place."""
    renew_deadline_seconds: Annotated[float, Field(gt=0)] = 10
    """After this long without a renewal the leader writes no more and exits."""
    retry_seconds: Annotated[float, Field(gt=0)] = 2
    """How often the leader renews and the others look."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """How many objects are reconciled side by side."""
    backoff_first_seconds: Annotated[float, Field(gt=0)] = 0.05
    """The first wait after a failed attempt; it doubles, with jitter."""
    backoff_most_seconds: Annotated[float, Field(gt=0)] = 300
    """The longest wait between failed attempts."""
    request_timeout_seconds: Annotated[float, Field(gt=0)] = 30
    """How long one request to the API server may take."""
    writes_per_second: Annotated[float, Field(gt=0)] = 500
    """The most writes a second to the API server, over a burst of twice as many."""
    sweep_seconds: Annotated[float, Field(gt=0)] = 300
    """How often the store is compared with the cluster, to find what the watches lost."""
    list_chunk: Annotated[int, Field(ge=1)] = 100
    """How many objects one page of a list holds: what the operator needs in memory at its start."""
    sweep_chunk: Annotated[int, Field(ge=1)] = 500
    """The same for the sweep's lists, which are of metadata alone."""
    health_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Where /healthz, /readyz and /metrics answer; 0 for none."""
    health_address: str = "0.0.0.0"  # noqa: S104  # the kubelet probes the pod's own address
    """The address that health_port listens on."""
    deployment_history: Annotated[int, Field(ge=2, le=100)] = 10
    """How many past deployments of a Service are kept for a rollback."""
    healthy_seconds: Annotated[int, Field(ge=0, le=3600)] = 40
    """How long a task without a health check must have run to count as healthy."""
    secret_rest_seconds: Annotated[int, Field(ge=0, le=3600)] = 10
    """How long Secrets and ConfigMaps must have been left alone before a change of theirs starts a deployment (onSecretChange)."""  # noqa: E501
    version_consistency: Literal["enabled", "disabled"] = "disabled"
    """Whether tags of images are looked up once for a deployment, where a container does not say it; enabled on ECS."""
    revision_history: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many revisions of a family are kept; the newest, and those that Services use, are kept beyond it."""
    deregistration_seconds: Annotated[int, Field(ge=0, le=3600)] = 5
    """How long a task with ports goes on answering between its leaving its addresses and SIGTERM; 0 for not at all."""
    privileged_namespaces: Names = ()
    """Namespaces whose tasks may have power over their node (privileged, host network and the like); * for all."""
    features: Names | None = None
    """Features that the cluster's nodes have and tasks may use (PodLevelResources, ContainerRestartRules, RestartAllContainers); left out, the API server is asked for the first two at start."""  # noqa: E501
    platform_file: str = ""
    """A YAML or JSON file with the platform's adapters (docs/platform.md); empty for none."""
    platform: Annotated[Platform, BeforeValidator(_loaded)] = Platform()
    """What the platform file holds."""
    placeholder_image: str = "registry.k8s.io/pause:3.10.1"
    """What placeholder pods run, where a provider's targetCapacity is below 100: an image that does nothing."""
    placeholder_priority_class: str = "berth-headroom"
    """The PriorityClass of placeholder pods, installed with the operator: below 0, so that tasks go before them."""
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    """How much is logged: debug, info, warning or error."""
    log_format: Annotated[str, Field(pattern="^(json|plain)$")] = "plain"
    """json for log collectors, plain for people."""

    @property
    def options(self) -> frozenset[str]:
        """The optional parts of the table that this operator uses. What has no namespace is the cluster-wide one's."""
        return self.platform.options - (CLUSTER_WIDE if self.namespaces else frozenset())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings that variables like BERTH_NAMESPACES name; an unknown one is refused."""
        given = {key[len(PREFIX) :].lower(): value for key, value in environment.items() if key.startswith(PREFIX)}
        known: dict[str, object] = {key: value for key, value in given.items() if key not in _NOT_SETTINGS}
        if file := given.get("platform_file"):
            known["platform"] = Path(file)
        return cls.model_validate(known)


# Variables of the lab, the tests and the tools that share the prefix.
_NOT_SETTINGS = frozenset({"cache", "state", "test_context", "kubeconfig"})
