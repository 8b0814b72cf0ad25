"""What users wait for."""

from collections.abc import Callable

from berth.plan.outcome import Json  # noqa: TC001  # as everywhere else
from berth.resources import DEPLOYMENT, SERVICE, Resource
from faults.server import Server

Until = Callable[[Server], bool]


def ready(name: str = "web", revision: str = "") -> Until:
    def look(server: Server) -> bool:
        body = server.get(SERVICE, name)
        status = (body or {}).get("status", {})
        condition = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), None)
        return (
            body is not None
            and condition is not None
            and condition["status"] == "True"
            and status.get("observedGeneration") == body["metadata"]["generation"]
            and revision in {"", status.get("taskDefinition")}
            and _rolled_out(server, body["metadata"]["uid"])
        )

    return look


def _rolled_out(server: Server, uid: str) -> bool:
    return all(
        live.body.get("status", {}).get("observedGeneration") == live.body["metadata"]["generation"]
        for live in server.of_kind(DEPLOYMENT)
        if any(one["uid"] == uid for one in live.body["metadata"].get("ownerReferences", []))
    )


def says(name: str, reason: str) -> Until:
    def look(server: Server) -> bool:
        body = server.get(SERVICE, name) or {}
        conditions = body.get("status", {}).get("conditions", [])
        return any(one["type"] == "Ready" and one["reason"] == reason for one in conditions)

    return look


def gone(resource: Resource, *names: str) -> Until:
    return lambda server: all(server.get(resource, name) is None for name in names)


def there(resource: Resource, *names: str) -> Until:
    return lambda server: all(server.get(resource, name) is not None for name in names)


def both(*conditions: Until) -> Until:
    return lambda server: all(condition(server) for condition in conditions)


def owner_is_new(resource: Resource, name: str, owner: str = "web") -> Until:
    """A child that belongs to the present Service of that name."""

    def look(server: Server) -> bool:
        child, body = server.get(resource, name), server.get(SERVICE, owner)
        references: list[Json] = (child or {}).get("metadata", {}).get("ownerReferences", [])
        return body is not None and any(one["uid"] == body["metadata"]["uid"] for one in references)

    return look
