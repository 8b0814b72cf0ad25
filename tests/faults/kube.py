"""The rest of a control plane: Deployments get their pods, garbage is collected, namespaces end."""

import asyncio
from collections import Counter

from berth.engine.key import Key
from berth.plan.outcome import Json
from berth.resources import DEPLOYMENT
from faults.server import Event, Live, Server
from faults.writes import FOREGROUND, NAMESPACE, ORPHAN, Writer

BY = "kube-controller-manager"
_SOON = 0.1
_PODS_START = 1.0


class ControlPlane:
    """Reacts to what is written, a moment later."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._writer = Writer(server, BY)
        self._templates: dict[str, Json] = {}
        self.rollouts: Counter[str] = Counter()
        """How often running pods of a Deployment were replaced."""
        self.stuck: set[str] = set()
        """Images whose pods never get ready."""
        server.listeners.append(self._saw)

    def _saw(self, event: Event) -> None:
        loop = asyncio.get_running_loop()
        if event.type == "DELETED":
            loop.call_later(2 * _SOON, self._orphaned, event.live.uid)
            return
        if event.key.resource == DEPLOYMENT and _generation(event.live) != _generation(event.before):
            self._changed(event.live)
        metadata = event.live.body["metadata"]
        if metadata.get("ownerReferences"):
            loop.call_later(2 * _SOON, self._collect, event.key, event.live.uid)
        if "deletionTimestamp" in metadata:
            loop.call_later(2 * _SOON, self._end, event.key, event.live.uid)

    # Deployments.

    def _changed(self, live: Live) -> None:
        template = live.body["spec"]["template"]
        before = self._templates.get(live.uid)
        if before is not None and before != template and live.body.get("status", {}).get("replicas"):
            self.rollouts[live.key.name] += 1
        self._templates[live.uid] = template
        for wait, last in ((_SOON, False), (_PODS_START, True)):
            asyncio.get_running_loop().call_later(wait, self._show, live, last)

    def _show(self, seen: Live, last: bool) -> None:  # noqa: FBT001  # the first of two looks, or the last
        live = self._server.objects.get(seen.key)
        if live is None or live.uid != seen.uid or _generation(live) != _generation(seen):
            return
        spec, before = live.body["spec"], live.body.get("status", {})
        wanted, ready = int(spec["replicas"]), int(before.get("readyReplicas", 0))
        stuck = any(one["image"] in self.stuck for one in spec["template"]["spec"]["containers"])
        done = last and not stuck
        counts = {
            "replicas": wanted,
            "updatedReplicas": wanted if done else min(wanted, 1),
            "readyReplicas": wanted if done else min(wanted, ready),
        }
        condition = {"type": "Available", "status": "True" if done else "False", "reason": "Simulated"}
        status: Json = {name: count for name, count in counts.items() if count}
        status |= {"observedGeneration": _generation(live), "conditions": [condition]}
        self._server.commit(live.key, {**live.body, "status": status}, live.managers, BY)

    # Garbage.

    def _orphaned(self, uid: str) -> None:
        for key, live in list(self._server.objects.items()):
            if any(one["uid"] == uid for one in _owners(live)):
                self._collect(key, live.uid)

    def _collect(self, key: Key, uid: str) -> None:
        """Delete an object all of whose owners are gone."""
        live = self._server.objects.get(key)
        if live is None or live.uid != uid or not _owners(live):
            return
        alive = {one.uid for one in self._server.objects.values()}
        if not any(one["uid"] in alive for one in _owners(live)):
            self._writer.delete(key, {"propagationPolicy": "Background"})

    def _end(self, key: Key, uid: str) -> None:
        """Go on with an object that is to be deleted."""
        live = self._server.objects.get(key)
        if live is None or live.uid != uid:
            return
        finalizers = live.body["metadata"].get("finalizers", [])
        if key.resource == NAMESPACE:
            self._empty(key)
        elif FOREGROUND in finalizers:
            dependents = self._dependents(uid)
            for one in dependents:
                self._writer.delete(one.key, {"propagationPolicy": "Background"})
            self._writer.finish(live, FOREGROUND)
        elif ORPHAN in finalizers:
            for one in self._dependents(uid):
                left = [owner for owner in _owners(one) if owner["uid"] != uid]
                metadata = {**one.body["metadata"], "ownerReferences": left}
                self._server.commit(one.key, {**one.body, "metadata": metadata}, one.managers, BY)
            self._writer.finish(live, ORPHAN)

    def _empty(self, namespace: Key) -> None:
        for key in [key for key in self._server.objects if key.namespace == namespace.name]:
            if key in self._server.objects:
                self._writer.delete(key, {})
        self._writer.finish(self._server.objects[namespace], "kubernetes")

    def _dependents(self, uid: str) -> list[Live]:
        return [one for one in self._server.objects.values() if any(owner["uid"] == uid for owner in _owners(one))]


def _owners(live: Live) -> list[Json]:
    return list(live.body["metadata"].get("ownerReferences") or [])


def _generation(live: Live | None) -> int:
    return int(live.body["metadata"].get("generation", 0)) if live is not None else 0
