"""An Ingress, where a load balancer names a class in place of a Gateway."""

from berth import names
from berth.adapters import Platform
from berth.api.load_balancer import ApplicationLoadBalancer
from berth.plan.load_balancer import Front
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import unmapped
from berth.plan.world import World
from berth.resources import INGRESS

AWS = "alb.ingress.kubernetes.io/"


def missing(front: Front, balancer: ApplicationLoadBalancer, platform: Platform) -> Blocked | None:
    """A class that the platform did not name is nobody's to use."""
    name = str(balancer.ingress_class)
    if name in platform.network.ingress_classes:
        return None
    what = f"nothing says that Services may use the class {name}"
    return unmapped(f"{front.field}.application.ingressClass", what, f"network.ingressClasses.{name}: {{}}")


def ingress(world: World, front: Front, balancer: ApplicationLoadBalancer) -> Child:
    name = str(balancer.ingress_class)
    known = world.settings.platform.network.ingress_classes[name]
    annotations = dict(known.annotations)
    if known.aws_load_balancer_controller:
        annotations = {f"{AWS}target-type": "ip", **annotations, **_told_aws(balancer)}
    backend = {"service": {"name": world.name, "port": {"number": front.port}}}
    paths = [{**_path(one), "backend": backend} for one in balancer.paths or ("/*",)]
    rules: list[Json] = [{"host": host, "http": {"paths": paths}} for host in balancer.hosts]
    metadata: Json = {
        "labels": names.service_labels(world.name),
        **({"annotations": annotations} if annotations else {}),
    }
    spec = {"ingressClassName": name, "rules": rules or [{"http": {"paths": paths}}]}
    return Child(INGRESS, front.name, {"metadata": metadata, "spec": spec})


def _path(path: str) -> Json:
    if path.endswith("/*"):
        return {"path": path.removesuffix("/*") or "/", "pathType": "Prefix"}
    return {"path": path, "pathType": "Exact"}


def _told_aws(balancer: ApplicationLoadBalancer) -> dict[str, str]:
    """What the controller makes of a target group, in its own words."""
    told: dict[str, str] = {}
    if (check := balancer.health_check) is not None:
        told = {
            f"{AWS}healthcheck-path": check.path or "/",
            f"{AWS}healthcheck-protocol": check.protocol,
            f"{AWS}healthcheck-interval-seconds": str(check.interval),
            f"{AWS}healthcheck-timeout-seconds": str(check.timeout),
            f"{AWS}healthy-threshold-count": str(check.healthy_threshold),
            f"{AWS}unhealthy-threshold-count": str(check.unhealthy_threshold),
            f"{AWS}success-codes": check.matcher,
        }
    if (delay := balancer.deregistration_delay) is not None:
        told[f"{AWS}target-group-attributes"] = f"deregistration_delay.timeout_seconds={delay}"
    return told
