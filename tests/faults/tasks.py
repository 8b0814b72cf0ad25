"""What ReplicaSets and the scheduler do, for workloads that look at single tasks: pods that start, run and stop."""

import asyncio
from typing import TYPE_CHECKING

from berth import names
from berth.engine.key import Key
from berth.resources import DEPLOYMENT, NODE, POD
from faults.server import Event, Live, Server
from faults.writes import Writer

if TYPE_CHECKING:
    from berth.plan.outcome import Json

BY = "kube-controller-manager"
_SOON = 0.2
_STARTS = 1.0


class Tasks:
    """Keeps as many pods as each Deployment asks for, on nodes that take new ones."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._writer = Writer(server, BY)
        self._serial = 0
        server.listeners.append(self._saw)

    def _saw(self, event: Event) -> None:
        loop = asyncio.get_running_loop()
        if event.key.resource == DEPLOYMENT:
            loop.call_later(_SOON, self._control, event.key)
        elif event.key.resource == POD and event.type == "ADDED":
            loop.call_later(_STARTS, self._started, event.key)

    def _control(self, deployment: Key) -> None:
        live = self._server.objects.get(deployment)
        mine = self._of(deployment)
        wanted = int(live.body["spec"]["replicas"]) if live is not None else 0
        for _ in range(wanted - len(mine)):
            self._start(deployment, live)
        for pod in sorted(mine, key=_goes_first)[: max(0, len(mine) - wanted)]:
            self._server.remove(pod.key, BY)

    def _start(self, deployment: Key, live: Live | None) -> None:
        assert live is not None
        self._serial += 1
        labels = live.body["spec"]["template"]["metadata"]["labels"]
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.name, "uid": live.uid}
        open_nodes = [one for one in self._server.of_kind(NODE) if not one.body["spec"].get("unschedulable")]
        node = open_nodes[self._serial % len(open_nodes)].key.name
        body: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"labels": {**labels, _OF: deployment.name}, "ownerReferences": [owner]},
            "spec": {"nodeName": node},
            "status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]},
        }
        self._writer.create(Key(POD, deployment.namespace, f"{deployment.name}-{self._serial}"), body, BY)

    def _started(self, key: Key) -> None:
        live = self._server.objects.get(key)
        if live is not None:
            status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            self._server.commit(key, {**live.body, "status": status}, live.managers, BY)

    def _of(self, deployment: Key) -> list[Live]:
        return [
            live
            for live in self._server.of_kind(POD)
            if live.body["metadata"]["labels"].get(_OF) == deployment.name
            and live.key.namespace == deployment.namespace
        ]


_OF = "deployment-of-the-test"


def _goes_first(pod: Live) -> tuple[bool, int, str]:
    """As ReplicaSets choose: those that are not ready, then by deletion cost."""
    ready = any(one["status"] == "True" for one in pod.body["status"]["conditions"])
    cost = pod.body["metadata"].get("annotations", {}).get(names.DELETION_COST, "0")
    return (ready, int(cost), pod.key.name)
