"""Reading all objects of a kind, page by page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from berth.engine.api import JSON, METADATA_LIST, Api
from berth.engine.controller import Watch
from berth.engine.errors import Gone
from berth.names import FIELD_MANAGER, MANAGED_BY
from berth.plan.outcome import Json
from berth.settings import Settings

OUR_LABEL = f"{MANAGED_BY}={FIELD_MANAGER}"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; `first` when the list starts (again), `version` is that of the whole list."""

    items: tuple[Json, ...]
    version: int
    first: bool


class Lister:
    """Lists what one operator watches: the same namespaces, the same labels."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def places(self, watch: Watch) -> tuple[str, ...]:
        """The namespaces to list a kind in; an empty one means the whole cluster."""
        return self._settings.namespaces if watch.resource.namespaced and self._settings.namespaces else ("",)

    async def pages(self, watch: Watch, namespace: str, accept: str = JSON) -> AsyncIterator[Page]:
        """The pages of one list. When the server has forgotten where we were, the list starts again."""
        size = self._settings.sweep_chunk if accept == METADATA_LIST else self._settings.list_chunk
        query = {"limit": str(size)}
        if watch.ours:
            query["labelSelector"] = OUR_LABEL
        if watch.named:
            query["fieldSelector"] = f"metadata.name={watch.named}"
        first = True
        while True:
            try:
                answer = await self._api.get(watch.resource.path(namespace), query, accept)
            except Gone:
                if "continue" not in query:
                    raise
                query.pop("continue")
                first = True
                continue
            metadata: Json = answer.get("metadata") or {}
            yield Page(tuple(answer.get("items") or ()), int(metadata.get("resourceVersion") or 0), first)
            first = False
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]
