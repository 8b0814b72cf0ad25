"""A Gateway that takes every route as it is and passes nothing on; it keeps on record what each said, and of whom."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from berth.lab import Lab
from berth.lab.api import Api
from support.follower import Follower
from support.gateway_api import GROUP

Json = dict[str, Any]
LATE_SECONDS = 1.0
"""Less than the deregistration that the tests' operator gives."""
Weights = tuple[tuple[str, int], ...]
"""The backends of all requests that no header marks, and their weights."""


@dataclass
class Record:
    """What the Gateway saw of one route."""

    weights: list[Weights] = field(default_factory=list[Weights])
    """Each that was another than the one before."""
    tested: list[str] = field(default_factory=list[str])
    """Backends of requests that a header marks."""
    empty: list[str] = field(default_factory=list[str])
    """Backends that got requests when no task was behind them, though there had been one behind the route."""
    served: bool = False


class TakingGateway:
    """Looks at all routes of a lab, again and again."""

    def __init__(self, lab: Lab) -> None:
        self.records: dict[str, Record] = {}
        """By namespace: each test has one route."""
        self._follower = Follower(lab, "taking-gateway", self._look)

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._follower.stop()
        self._follower.told()

    def of(self, namespace: str) -> Record:
        return self.records.setdefault(namespace, Record())

    def _look(self, api: Api) -> None:
        # Routes first: endpoints that are newer than the routes are the harder case.
        began = time.monotonic()
        routes: list[Json] = api.get(f"/apis/{GROUP}/v1/httproutes")["items"]
        slices: list[Json] = api.get("/apis/discovery.k8s.io/v1/endpointslices")["items"]
        # A Gateway that is so late is none that anybody waits for: what is old may be gone.
        judges = time.monotonic() - began < LATE_SECONDS
        for route in routes:
            ready = set(_ready(slices, route["metadata"]["namespace"]))
            self._note(route, ready, judges=judges)
            self._take(api, route)

    def _note(self, route: Json, ready: set[str], *, judges: bool) -> None:
        record = self.of(route["metadata"]["namespace"])
        rules: list[Json] = route["spec"]["rules"]
        marked = [one for one in rules if "headers" in one["matches"][0]]
        record.tested += [one["backendRefs"][0]["name"] for one in marked]
        weights = tuple((one["name"], one["weight"]) for one in rules[-1]["backendRefs"])
        if weights not in record.weights[-1:]:
            record.weights.append(weights)
        wanted = {name for name, weight in weights if weight} | set(record.tested[-1:] if marked else ())
        record.served = record.served or wanted <= ready
        if record.served and judges:
            record.empty += sorted(wanted - ready)

    def _take(self, api: Api, route: Json) -> None:
        metadata = route["metadata"]
        parents: list[Json] = route.get("status", {}).get("parents") or []
        if parents and parents[0]["conditions"][0]["observedGeneration"] == metadata["generation"]:
            return
        said = {
            "type": "Accepted",
            "status": "True",
            "reason": "Accepted",
            "message": "",
            "observedGeneration": metadata["generation"],
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        parent = {"controllerName": "example.com/taking", "parentRef": {"name": "public"}, "conditions": [said]}
        path = f"/apis/{GROUP}/v1/namespaces/{metadata['namespace']}/httproutes/{metadata['name']}/status"
        status, answer = api.request("PUT", path, {**route, "status": {"parents": [parent]}})
        assert status in {200, 404, 409}, answer


def _ready(slices: list[Json], namespace: str) -> Iterator[str]:
    """Core Services that have a ready task behind them."""
    for one in slices:
        if one["metadata"]["namespace"] == namespace and any(
            endpoint["conditions"].get("ready") for endpoint in one.get("endpoints") or ()
        ):
            yield one["metadata"]["labels"]["kubernetes.io/service-name"]
