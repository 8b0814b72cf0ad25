"""Tags pinned to digests: what is pinned, what a running task says of its images, and the template with it."""

from collections.abc import Iterable, Mapping

from berth import names
from berth.api.container import ContainerDefinition
from berth.api.service_deployment import ContainerImage
from berth.plan.outcome import Json

Images = Mapping[str, str]
"""Digests by the name of their container in the pod; empty for one whose image says none."""
DIGEST = "sha256:"


def to_pin(definitions: Iterable[ContainerDefinition], default: str) -> tuple[str, ...]:
    """The containers whose images are looked up once for a deployment; one that names a digest needs no looking up."""
    return tuple(
        names.dns_label(one.name)
        for one in definitions
        if "@" not in one.image and (one.version_consistency or default) == "enabled"
    )


def digests_of(status: Json) -> dict[str, str]:
    """What the runtime says of each container that it has the image of."""
    statuses = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return {one["name"]: _digest(str(one.get("imageID", ""))) for one in statuses if _has_run(one)}


def pinned(template: Json, images: Images) -> Json:
    """The template with digests beside its tags; the runtime pulls by the digest alone."""
    spec = dict(template["spec"])
    for kind in ("initContainers", "containers"):
        if kind in spec:
            spec[kind] = [_with(one, images.get(one["name"], "")) for one in spec[kind]]
    return {**template, "spec": spec}


def fresh(template: Json, pins: Iterable[str]) -> Json:
    """The template of the first task: what is to be pinned is asked for anew, whatever its node has kept."""
    chosen, spec = set(pins), dict(template["spec"])
    for kind in ("initContainers", "containers"):
        if kind in spec:
            spec[kind] = [{**one, "imagePullPolicy": "Always"} if one["name"] in chosen else one for one in spec[kind]]
    return {**template, "spec": spec}


def shown(template: Json, pins: Iterable[str], images: Images | None) -> list[ContainerImage] | None:
    """As a status tells it; None where nothing was looked up."""
    if images is None:
        return None
    spec = template["spec"]
    said = {one["name"]: str(one["image"]) for one in (*spec.get("initContainers", ()), *spec["containers"])}
    return [
        ContainerImage(container_name=name, image=said[name].partition("@")[0], image_digest=images.get(name) or None)
        for name in sorted(pins)
    ]


def _has_run(status: Json) -> bool:
    state: Json = status.get("state") or {}
    return bool(status.get("imageID")) or "running" in state or "terminated" in state


def _digest(image: str) -> str:
    """`registry/repository@sha256:...`; an image that was never in a registry has an id and no digest."""
    digest = image.rpartition("@")[2] if "@" in image else ""
    return digest if digest.startswith(DIGEST) else ""


def _with(container: Json, digest: str) -> Json:
    return {**container, "image": f"{container['image']}@{digest}"} if digest else container
