"""Labels and taints of nodes, for `berth nodes label`."""

import sys

from berth import names
from berth.engine.api import Api, Limits
from berth.engine.clock import SystemClock
from berth.engine.credentials import NoCredentials, find_credentials
from berth.engine.errors import ApiError, NotFound
from berth.engine.metrics import Metrics
from berth.engine.transport import HttpTransport
from berth.plan.outcome import Json
from berth.resources import CAPACITY_PROVIDER, NODE

EFFECT = "NoSchedule"


class Taken(Exception):  # noqa: N818  # a finding, not a fault
    """A node is another provider's."""


async def label_nodes(nodes: list[str], provider: str, *, remove: bool, overwrite: bool) -> int:
    """Change the nodes one by one and say what was done; returns the exit status."""
    try:
        transport = HttpTransport(find_credentials())
    except NoCredentials as reason:
        print(f"{reason}. Set KUBECONFIG to a file that `kubectl` can use", file=sys.stderr)
        return 1
    api = Api(transport, SystemClock(), Limits(), Metrics())
    name, code = names.provider(provider), 0
    try:
        if not remove:
            await _remark(api, name)
        for one in nodes:
            try:
                node = await api.get(NODE.path(name=one))
                patch = unlabelled(node, name) if remove else labelled(node, name, overwrite=overwrite)
                if patch is not None:
                    await api.merge(NODE.path(name=one), patch)
                print(f"node/{one}: {_done(name, remove=remove, changed=patch is not None)}")
            except (ApiError, Taken) as error:
                print(f"node/{one}: {error}", file=sys.stderr)
                code = 1
    finally:
        await transport.close()
    return code


def labelled(node: Json, provider: str, *, overwrite: bool = False) -> Json | None:
    """The patch that gives a node to a provider; None when it is the provider's already."""
    known = node["metadata"].get("labels", {}).get(names.CAPACITY_PROVIDER)
    if known not in {None, provider} and not overwrite:
        raise Taken(f"is a node of {known}; --overwrite gives it to {provider}")
    wanted = {"key": names.CAPACITY_PROVIDER, "value": provider, "effect": EFFECT}
    taints = _taints(node)
    if known == provider and wanted in taints:
        return None
    others = [one for one in taints if (one["key"], one["effect"]) != (names.CAPACITY_PROVIDER, EFFECT)]
    return _patch(node, provider, [*others, wanted])


def unlabelled(node: Json, provider: str) -> Json | None:
    """The patch that takes a node back from a provider; None when it is not the provider's."""
    known = node["metadata"].get("labels", {}).get(names.CAPACITY_PROVIDER)
    taints = _taints(node)
    others = [one for one in taints if (one["key"], one.get("value")) != (names.CAPACITY_PROVIDER, provider)]
    if known != provider and others == taints:
        return None
    return _patch(node, None if known == provider else known, others)


def _taints(node: Json) -> list[Json]:
    """Without the time that only the API server writes."""
    taints: list[Json] = node["spec"].get("taints") or []
    return [{key: one[key] for key in ("key", "value", "effect") if key in one} for one in taints]


def _patch(node: Json, value: str | None, taints: list[Json]) -> Json:
    # A list is replaced as a whole, so the patch holds for the very version that was read.
    version = node["metadata"]["resourceVersion"]
    return {
        "metadata": {"resourceVersion": version, "labels": {names.CAPACITY_PROVIDER: value}},
        "spec": {"taints": taints},
    }


async def _remark(api: Api, provider: str) -> None:
    """Nodes may come before their provider; that nothing will run there is worth a word."""
    try:
        found = await api.get(CAPACITY_PROVIDER.path(name=provider))
    except NotFound:
        print(f"there is no CapacityProvider {provider} yet; nothing runs on its nodes before that", file=sys.stderr)
        return
    except ApiError as error:
        print(f"cannot look at CapacityProvider {provider}: {error}", file=sys.stderr)
        return
    nodes: Json = found["spec"].get("nodes", {})
    if nodes.get("preset") != "plain" and nodes.get("selector", {}).get(names.CAPACITY_PROVIDER) != provider:
        print(f"CapacityProvider {provider} is not of preset plain: its tasks look for other labels", file=sys.stderr)


def _done(provider: str, *, remove: bool, changed: bool) -> str:
    if not changed:
        return f"is no node of {provider}" if remove else f"is a node of {provider} already"
    pair = f"{names.CAPACITY_PROVIDER}={provider}"
    return f"took the label and the taint {pair} off" if remove else f"labelled {pair}, tainted {pair}:{EFFECT}"
