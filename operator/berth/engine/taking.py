"""Others' objects that a subject takes over one by one, and removes one by one."""

from berth.engine.api import Api
from berth.engine.apply import Applier, Attempt, reference
from berth.engine.errors import Conflict, Invalid, NotFound
from berth.engine.key import Key
from berth.engine.store import Record, Store
from berth.plan.outcome import Json, Removal, Take


class Taker:
    """Makes the subject the controller of an object, in one request with the labels that bound it to another.

    Only what carries our label is in the store, so nothing else can be taken.
    """

    def __init__(self, api: Api, store: Store, applier: Applier) -> None:
        self._api = api
        self._store = store
        self._applier = applier

    async def take(self, attempt: Attempt, take: Take) -> bool:
        """True when something was written, or turned out to be otherwise than known."""
        known = self._known(attempt, take)
        if known is None or known.owner == attempt.subject.uid:
            return False
        await self._applier.check_owner(attempt)
        metadata: Json = {
            "uid": known.uid,
            # In the state that was judged: the wish may have been taken back.
            "resourceVersion": str(known.version),
            "labels": dict.fromkeys(take.labels),
            "ownerReferences": [reference(attempt.subject)],
        }
        try:
            live = await self._api.merge(known.key.path, {"metadata": metadata})
        except (Conflict, Invalid, NotFound):
            if await self._applier.look(known) is not None:
                raise
            return True
        self._store.see(live, known.key.resource, attempt.subject.key)
        return True

    async def remove(self, attempt: Attempt, removal: Removal) -> bool:
        known = self._known(attempt, removal)
        if known is None or known.owner != attempt.subject.uid:
            return False
        await self._applier.remove(attempt, known)
        return True

    def _known(self, attempt: Attempt, named: Take | Removal) -> Record | None:
        """That very object, unless it is going already."""
        namespace = attempt.subject.key.namespace if named.resource.namespaced else ""
        known = self._store.get(Key(named.resource, namespace, named.name))
        return known if known is not None and known.uid == named.uid and not known.deleting else None
