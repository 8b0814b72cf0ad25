"""Annotations on objects that a subject does not own: said for a moment, and taken back."""

from berth.engine.api import Api
from berth.engine.errors import Conflict, Invalid, NotFound
from berth.engine.fingerprint import NOT_APPLIED, planned_print
from berth.engine.key import Key
from berth.engine.store import Record, Store
from berth.plan.outcome import Json, Mark


class Marker:
    """Writes marks, and takes what the server answers into the store.

    Only what carries our label is in the store, so nothing else can be marked.
    """

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store

    async def put(self, subject: Record, mark: Mark) -> bool:
        """Make an object carry a mark, or carry none. True when something was written."""
        key = Key(mark.resource, subject.key.namespace if mark.resource.namespaced else "", mark.name)
        known = self._store.get(key)
        if known is None or known.uid != mark.uid or known.deleting:
            return False
        said: Json = {"metadata": {"annotations": mark.annotations}} if mark.annotations else {}
        if known.fingerprint == (planned_print(said) if said else NOT_APPLIED):
            return False
        try:
            live = await self._api.apply(key.path, _addressed(known, said), force=True)
        except (Conflict, Invalid, NotFound):
            if await self._is_there(known):
                raise
            # Gone, or another of its name by now: there is nothing left to mark.
            self._store.forget(key, known.uid, known.version + 1, subject.key)
            return True
        self._store.see(live, key.resource, subject.key)
        return True

    async def _is_there(self, known: Record) -> bool:
        try:
            live = await self._api.get(known.key.path)
        except NotFound:
            return False
        return bool(live["metadata"].get("uid") == known.uid)


def _addressed(known: Record, said: Json) -> Json:
    """The apply of a mark to that very object; without any field of ours it takes the mark back."""
    key = known.key
    metadata: Json = {**said.get("metadata", {}), "name": key.name, "uid": known.uid}
    if key.namespace:
        metadata["namespace"] = key.namespace
    return {"apiVersion": key.resource.api_version, "kind": key.resource.kind, "metadata": metadata}
