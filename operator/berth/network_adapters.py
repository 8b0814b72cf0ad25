"""What a platform team says once of the network: security groups, gateways, load balancers, registries."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from berth.api.load_balancer import ApplicationLoadBalancer, NetworkLoadBalancer
from berth.platform_part import Name, Part

Port = Annotated[int, Field(ge=1, le=65535)]


class Ports(Part):
    """Ports of tasks."""

    port: Port
    """The port, or the first of a range."""
    end_port: Port | None = None
    """The last of a range."""
    protocol: Literal["TCP", "UDP"] = "TCP"
    """TCP or UDP."""


class Traffic(Part):
    """Who may talk to whom: a rule of a security group."""

    cidrs: tuple[Annotated[str, Field(pattern="^[0-9a-fA-F.:]+/[0-9]{1,3}$")], ...] = ()
    """Addresses."""
    security_groups: tuple[Name, ...] = ()
    """Tasks of these groups, in the same namespace, or in the namespaces named beside them."""
    namespaces: tuple[Name, ...] = ()
    """All pods of these namespaces; with securityGroups, the tasks of these groups there."""
    ports: tuple[Ports, ...] = ()
    """The ports; all, without any."""


class SecurityGroup(Part):
    """What a security group of AWS's is in this cluster; an empty one asks for nothing."""

    pod_labels: dict[str, str] = Field(default_factory=dict[str, str])
    """Labels that its tasks get: what policies of your own, or a SecurityGroupPolicy of EKS, select."""
    ingress: tuple[Traffic, ...] | None = None
    """Who may reach its tasks: a NetworkPolicy for each Service. [] for nobody; left out, no policy says."""
    egress: tuple[Traffic, ...] | None = None
    """Whom its tasks may reach; left out, everybody, as in a new group of AWS's."""

    @property
    def has_rules(self) -> bool:
        return self.ingress is not None or self.egress is not None


class IngressClass(Part):
    """A class of Ingresses that Services may name."""

    annotations: dict[str, str] = Field(default_factory=dict[str, str])
    """What its Ingresses carry."""
    aws_load_balancer_controller: bool = False
    """True: health checks and delays are told to the AWS Load Balancer Controller, in its annotations."""


class LoadBalancers(Part):
    """What a Service of type LoadBalancer carries."""

    load_balancer_class: Name | None = None
    """The class, such as service.k8s.aws/nlb; left out, the cluster's own."""
    annotations: dict[str, str] = Field(default_factory=dict[str, str])
    """Annotations that the class reads."""


class TargetGroup(Part):
    """What a target group of AWS's, or a Classic Load Balancer, is in this cluster."""

    application: ApplicationLoadBalancer | None = None
    """As loadBalancers[].application of a Service."""
    network: NetworkLoadBalancer | None = None
    """As loadBalancers[].network of a Service."""

    one_of: ClassVar[str] = "a target group is either application or network"

    @model_validator(mode="wrap")
    @classmethod
    def _is_known(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """The API's own shapes let unknown keys pass; in this file they are typos."""
        made = handler(raw)
        if (made.application is None) == (made.network is None):
            raise ValueError(cls.one_of)
        if unknown := list(_unknown(raw, made.model_dump(by_alias=True))):
            raise ValueError(f"no such key: {', '.join(unknown)}")
        return made


class Network(Part):
    """What the cluster's network does."""

    enforces_policies: bool = False
    """True when the network plugin enforces NetworkPolicies, which networkMode none and rules of security groups need."""  # noqa: E501
    security_groups: dict[str, SecurityGroup] = Field(default_factory=dict[str, SecurityGroup])
    """securityGroups of Services, by their id, to labels and rules."""
    gateway_api: bool = False
    """True when the cluster has Gateway API, and Services may have routes."""
    ingress_classes: dict[str, IngressClass] = Field(default_factory=dict[str, IngressClass])
    """The classes of Ingresses that Services may name."""
    load_balancers: LoadBalancers = LoadBalancers()
    """What loadBalancers[].network without a gateway becomes."""
    target_groups: dict[str, TargetGroup] = Field(default_factory=dict[str, TargetGroup])
    """targetGroupArn, or loadBalancerName, to what it is here."""
    service_registries: dict[str, Annotated[str, Field(pattern="^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=63)]] = Field(
        default_factory=dict[str, str]
    )
    """registryArn to the name of the headless Service that stands for it."""


def _unknown(raw: Any, known: Any, at: str = "") -> Iterator[str]:
    """Paths of keys that the shapes do not have."""
    if isinstance(raw, dict) and isinstance(known, dict):
        there = cast("dict[str, Any]", known)
        for key, value in cast("dict[str, Any]", raw).items():
            path = f"{at}.{key}" if at else key
            if key in there:
                yield from _unknown(value, there[key], path)
            else:
                yield path
    elif isinstance(raw, list) and isinstance(known, list):
        pairs = zip(cast("list[Any]", raw), cast("list[Any]", known), strict=False)  # type: ignore[redundant-cast]  # pyright needs it
        for index, (one, other) in enumerate(pairs):
            yield from _unknown(one, other, f"{at}[{index}]")
