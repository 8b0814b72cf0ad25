"""Routes of Gateway API: what leads a Gateway's requests to the tasks, and what the Gateway says of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from berth import names
from berth.adapters import Platform
from berth.api.load_balancer import ApplicationLoadBalancer, NetworkLoadBalancer, Redirect, TestTrafficRules
from berth.plan.load_balancer import Front
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import unmapped
from berth.plan.world import World
from berth.resources import HTTP_ROUTE, TCP_ROUTE, UDP_ROUTE, Resource

ROUTES = (HTTP_ROUTE, TCP_ROUTE, UDP_ROUTE)
CODES = {"HTTP_301": 301, "HTTP_302": 302}
EVERYTHING = ("/*",)
ACCEPTED = "Accepted"
SAID = frozenset({ACCEPTED, "ResolvedRefs"})
"""What decides of a Gateway's conditions; others are its own."""


def kind_of(front: Front) -> Resource:
    if isinstance(front.kind, ApplicationLoadBalancer):
        return HTTP_ROUTE
    return TCP_ROUTE if front.protocol == "TCP" else UDP_ROUTE


def missing(front: Front, platform: Platform, absent: Iterable[Resource]) -> Blocked | None:
    """What keeps a Gateway from taking requests for a Service."""
    field = f"{front.field}.{'network' if isinstance(front.kind, NetworkLoadBalancer) else 'application'}.gateway"
    if not platform.network.gateway_api:
        what = "nothing says that this cluster has Gateway API"
        return unmapped(field, what, "network.gatewayApi: true")
    kind = kind_of(front)
    if kind in absent:
        return Blocked(
            "GatewayApiMissing",
            f"{field}: the cluster has no {kind.kind} ({kind.api_version}); install Gateway API, for TCPRoute and "
            "UDPRoute 1.6 or newer",
        )
    return None


@dataclass(frozen=True, slots=True)
class Targets:
    """What a load balancer's requests go to."""

    production: list[Json]
    """Backends of all requests, with their weights."""
    test: list[Json] = field(default_factory=list[Json])
    """Those of test requests; none: there are no others."""
    rules: TestTrafficRules | None = None
    """Which these are."""


def routes(world: World, front: Front, targets: Targets) -> list[Child]:
    """The routes of one load balancer that names a Gateway."""
    if isinstance(front.kind, ApplicationLoadBalancer):
        return _http(world, front, front.kind, targets)
    parent = _parent(front.kind.gateway, front.kind.listener)
    if not front.kind.listener:
        parent["port"] = front.kind.port
    spec = {"parentRefs": [parent], "rules": [{"backendRefs": targets.production}]}
    return [Child(kind_of(front), front.name, {"metadata": _metadata(world), "spec": spec})]


def unaccepted(world: World) -> str:
    """What a Gateway says of the first of our routes that it does not take; empty when all are taken."""
    for kind in ROUTES:
        for one in world.children(kind):
            if said := _unaccepted(one):
                return f"{kind.kind} {one['metadata']['name']}: {said}"
    return ""


def _unaccepted(route: Json) -> str:
    """Only what a Gateway says of the route as it is now counts."""
    generation = route["metadata"].get("generation", 0)
    for parent in route.get("status", {}).get("parents") or ():
        said = {
            one["type"]: one
            for one in parent["conditions"]
            if one.get("observedGeneration", generation) == generation and one["type"] in SAID
        }
        for condition in said.values():
            if condition["status"] == "False":
                gateway = parent["parentRef"].get("name", "")
                return f"Gateway {gateway} says {condition['reason']}: {condition['message']}"
        if ACCEPTED in said:
            return ""
    return "no Gateway has answered yet; is there one of the name, and does its controller run?"


def _http(world: World, front: Front, balancer: ApplicationLoadBalancer, targets: Targets) -> list[Child]:
    """One route for the application, and one for each further listener that only redirects."""
    rules: defaultdict[str | None, list[Json]] = defaultdict(list)
    for redirect in balancer.redirects:
        rules[redirect.listener or balancer.listener].append(_redirected(redirect))
    own = [
        *rules.pop(balancer.listener, []),
        *_tests(balancer, targets),
        {"matches": _matches(balancer.paths), "backendRefs": targets.production},
    ]
    made = [_http_route(world, (front.name, balancer.listener), balancer, own)]
    for listener, others in rules.items():
        name = names.joined(front.name, names.dns_label(str(listener)))
        made.append(_http_route(world, (name, listener), balancer, others))
    return made


def _tests(balancer: ApplicationLoadBalancer, targets: Targets) -> list[Json]:
    """Of rules for one path the one that names a header goes first."""
    if targets.rules is None or not targets.test:
        return []
    header = targets.rules.header
    told = {"headers": [{"type": "Exact", "name": header.name, "value": header.value.exact}]}
    return [{"matches": [{**one, **told} for one in _matches(balancer.paths)], "backendRefs": targets.test}]


def _http_route(
    world: World, name: tuple[str, str | None], balancer: ApplicationLoadBalancer, rules: list[Json]
) -> Child:
    spec: Json = {"parentRefs": [_parent(balancer.gateway, name[1])]}
    if balancer.hosts:
        spec["hostnames"] = balancer.hosts
    return Child(HTTP_ROUTE, name[0], {"metadata": _metadata(world), "spec": {**spec, "rules": rules}})


def _redirected(redirect: Redirect) -> Json:
    there: Json = {"statusCode": CODES[redirect.status_code]}
    if redirect.protocol:
        there["scheme"] = redirect.protocol.lower()
    if redirect.host:
        there["hostname"] = redirect.host
    if redirect.port:
        there["port"] = redirect.port
    if redirect.path:
        there["path"] = {"type": "ReplaceFullPath", "replaceFullPath": redirect.path}
    return {
        "matches": _matches(redirect.paths),
        "filters": [{"type": "RequestRedirect", "requestRedirect": there}],
    }


def _matches(paths: Iterable[str]) -> list[Json]:
    return [{"path": _path(one)} for one in tuple(paths) or EVERYTHING]


def _path(path: str) -> Json:
    if path.endswith("/*"):
        return {"type": "PathPrefix", "value": path.removesuffix("/*") or "/"}
    return {"type": "Exact", "value": path}


def _parent(gateway: str | None, listener: str | None) -> Json:
    """With the defaults that the API server puts into items of a list."""
    namespace, _, name = str(gateway).rpartition("/")
    return {
        "group": HTTP_ROUTE.group,
        "kind": "Gateway",
        **({"namespace": namespace} if namespace else {}),
        "name": name,
        **({"sectionName": listener} if listener else {}),
    }


def target(service: str, port: int, weight: int = 1) -> Json:
    """A core Service as a backend."""
    return {"group": "", "kind": "Service", "name": service, "port": port, "weight": weight}


def _metadata(world: World) -> Json:
    return {"labels": names.service_labels(world.name)}
