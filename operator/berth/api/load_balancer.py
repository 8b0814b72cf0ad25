"""loadBalancers: what leads requests from outside to the tasks of a Service."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from berth.api.schema import Rule, Shape

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
HOST = f"^([*][.])?{LABEL}([.]{LABEL})*$"
GATEWAY = f"^({LABEL}/)?{LABEL}([.]{LABEL})*$"
SEGMENT = "[-A-Za-z0-9._~!$&'()+,;=:@]+"
PATH = f"^/({SEGMENT}/)*([*]|{SEGMENT})?$"
PLAIN_PATH = f"^/({SEGMENT}/)*({SEGMENT})?$"
CODES = "^[23][0-9]{2}([-,][23][0-9]{2})*$"

Host = Annotated[str, Field(pattern=HOST, min_length=1, max_length=253)]
Path = Annotated[str, Field(pattern=PATH, min_length=1, max_length=255)]
Gateway = Annotated[str, Field(pattern=GATEWAY, min_length=1, max_length=317)]
Listener = Annotated[str, Field(pattern=f"^{LABEL}([.]{LABEL})*$", min_length=1, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]
Delay = Annotated[int, Field(ge=0, le=3600)]


class TargetHealthCheck(Shape):
    """When a task gets requests, in the words of a target group."""

    path: Annotated[str, Field(pattern="^/", max_length=1024)] | None = None
    """The path that is asked by HTTP; left out, a connection to the port is enough."""
    protocol: Literal["HTTP", "HTTPS"] = "HTTP"
    """How the path is asked."""
    interval: Annotated[int, Field(ge=5, le=300)] = 30
    """Seconds between two checks; until the first success they come more often."""
    timeout: Annotated[int, Field(ge=2, le=120)] = 5
    """Seconds until a check has failed."""
    healthy_threshold: Annotated[int, Field(ge=2, le=10)] = 5
    """Accepted without effect: one success makes a task healthy, as the first one does in a target group."""
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10)] = 2
    """How many failures in a row take a task out of the balancer."""
    matcher: Annotated[str, Field(pattern=CODES, max_length=64)] = "200"
    """HTTP codes of success between 200 and 399; all of these count, whichever are named."""


class Redirect(Shape):
    """Requests that are answered with another address."""

    paths: Annotated[list[Path], Field(max_length=8)] = Field(default_factory=list[str])
    """The paths that are redirected, written like those of the application; all, without any."""
    listener: Listener | None = None
    """The Gateway's listener on which they are redirected; left out, the application's own."""
    protocol: Literal["HTTP", "HTTPS"] | None = None
    """The protocol of the other address."""
    host: Annotated[str, Field(pattern=f"^{LABEL}([.]{LABEL})*$", max_length=253)] | None = None
    """The host of the other address."""
    port: Port | None = None
    """The port of the other address."""
    path: Annotated[str, Field(pattern=PLAIN_PATH, max_length=255)] | None = None
    """The whole path of the other address."""
    status_code: Literal["HTTP_301", "HTTP_302"] = "HTTP_301"
    """HTTP_301 for good, HTTP_302 for now."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.protocol) || has(self.host) || has(self.port) || has(self.path)",
            message="a redirect needs one of protocol, host, port and path",
            holds=lambda self: any(one is not None for one in (self.protocol, self.host, self.port, self.path)),
        ),
        Rule(
            cel="self.paths.size() > 0 || has(self.listener)",
            message="a redirect of all paths needs a listener of its own: name it, or name paths",
            holds=lambda self: bool(self.paths) or self.listener is not None,
        ),
    )


class HeaderValue(Shape):
    """What a header says."""

    exact: Annotated[str, Field(pattern="^[ -~]+$", max_length=4096)]
    """This, to the letter."""


class TestTrafficHeader(Shape):
    """The header by which test requests are told."""

    __test__ = False
    name: Annotated[str, Field(pattern="^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=256)]
    """Its name, in any case."""
    value: HeaderValue
    """Its value."""


class TestTrafficRules(Shape):
    """Which requests reach the tasks of a new deployment before any other does, in Service Connect's words."""

    __test__ = False
    header: TestTrafficHeader
    """Those with this header."""


class ApplicationLoadBalancer(Shape):
    """HTTP requests, by host and path: what an Application Load Balancer is on AWS."""

    gateway: Gateway | None = None
    """The Gateway that takes the requests, as NAME or NAMESPACE/NAME; it must allow routes of this namespace."""
    listener: Listener | None = None
    """The Gateway's listener; left out, all of its listeners that fit."""
    ingress_class: Annotated[str, Field(pattern=f"^{LABEL}([.]{LABEL})*$", max_length=253)] | None = None
    """In place of a gateway: the class of an Ingress."""
    hosts: Annotated[list[Host], Field(max_length=16)] = Field(default_factory=list[str])
    """The hosts that are asked for, like shop.example.com or *.example.com; all, without any."""
    paths: Annotated[list[Path], Field(max_length=16)] = Field(default_factory=list[str])
    """Paths: /login is this path alone, /api/* all at and below /api; all, without any. Of several rules that fit the longest path wins."""  # noqa: E501
    redirects: Annotated[list[Redirect], Field(max_length=8)] = Field(default_factory=list[Redirect])
    """Requests that are answered with another address; needs a gateway."""
    health_check: TargetHealthCheck | None = None
    """When a task gets requests, if its container has no healthCheck of its own; left out, when it takes connections."""  # noqa: E501
    deregistration_delay: Delay | None = None
    """How long a task that stops goes on answering before SIGTERM; left out, as long as the platform says."""
    test_traffic_rules: TestTrafficRules | None = None
    """Requests that reach the new tasks before the others do, where a deployment starts a second set; needs a gateway."""  # noqa: E501
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.gateway) || !has(self.testTrafficRules)",
            message="testTrafficRules need a gateway: an Ingress tells requests apart by host and path alone",
            holds=lambda self: self.gateway is not None or self.test_traffic_rules is None,
            field=".testTrafficRules",
        ),
        Rule(
            cel="has(self.gateway) != has(self.ingressClass)",
            message="application needs one of gateway and ingressClass",
            holds=lambda self: (self.gateway is None) != (self.ingress_class is None),
        ),
        Rule(
            cel="has(self.gateway) || !has(self.listener)",
            message="listener is a Gateway's: name a gateway, or leave it out",
            holds=lambda self: self.gateway is not None or self.listener is None,
            field=".listener",
        ),
        Rule(
            cel="has(self.gateway) || self.redirects.size() == 0",
            message="redirects need a gateway: an Ingress has none",
            holds=lambda self: self.gateway is not None or not self.redirects,
            field=".redirects",
        ),
    )


class NetworkLoadBalancer(Shape):
    """Connections or packets at a port: what a Network Load Balancer is on AWS."""

    port: Port
    """The port outside."""
    protocol: Literal["TCP", "UDP"] = "TCP"
    """TCP or UDP."""
    gateway: Gateway | None = None
    """A Gateway that listens at the port, as NAME or NAMESPACE/NAME; left out, the cluster makes a load balancer."""
    listener: Listener | None = None
    """The Gateway's listener; left out, the one at the port."""
    health_check: TargetHealthCheck | None = None
    """When a task gets connections, if its container has no healthCheck of its own; left out, when it takes them."""
    deregistration_delay: Delay | None = None
    """How long a task that stops goes on answering before SIGTERM; left out, as long as the platform says."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.gateway) || !has(self.listener)",
            message="listener is a Gateway's: name a gateway, or leave it out",
            holds=lambda self: self.gateway is not None or self.listener is None,
            field=".listener",
        ),
    )


class LoadBalancer(Shape):
    """One port of a container, and what leads to it."""

    container_name: Annotated[str, Field(min_length=1, max_length=255)]
    """The container, from the task definition."""
    container_port: Port
    """One of the container's ports, from its portMappings."""
    application: ApplicationLoadBalancer | None = None
    """HTTP requests, by host and path."""
    network: NetworkLoadBalancer | None = None
    """Connections or packets at a port."""
    target_group_arn: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """In place of both, a target group of AWS's; the platform says what it is here."""
    load_balancer_name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """The same for a Classic Load Balancer."""
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=(
                "[has(self.application), has(self.network), has(self.targetGroupArn), has(self.loadBalancerName)]"
                ".filter(given, given).size() == 1"
            ),
            message="a load balancer is one of application, network, targetGroupArn and loadBalancerName",
            holds=lambda self: (
                sum(
                    one is not None
                    for one in (self.application, self.network, self.target_group_arn, self.load_balancer_name)
                )
                == 1
            ),
        ),
    )
