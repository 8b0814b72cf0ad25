"""Objects whose data nobody here may see: it is put in as it is written, and covered as soon as it is read."""

from collections.abc import Mapping

from berth.plan.outcome import Json, Seal

COVER = ""


def sealed(body: Json) -> Json:
    """The object with its data covered: which keys it has, and who wrote them, is all that remains to be seen."""
    return {**body, "data": dict.fromkeys(body["data"], COVER)} if body.get("data") else body


def unsealed(manifest: Json, seal: Seal | None, tokens: Mapping[str, str]) -> Json:
    """The manifest as it is sent. Raises KeyError for a token that is not there."""
    return manifest if seal is None else {**manifest, "data": seal.data({name: tokens[name] for name in seal.tokens})}
