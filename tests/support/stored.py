"""Golden worlds as real objects: what a case leaves out is filled in, so that the API server takes them."""

import json
import re
from base64 import b64encode
from typing import Any

import yaml

from berth import names
from berth.api import KINDS
from berth.controllers import TABLE
from berth.resources import Resource
from support.cluster import ROOT, Cluster
from support.golden import resource_of
from support.manifests import API
from support.waiting import eventually

Json = dict[str, Any]
CLUSTER_SCOPED = ("CapacityProvider", "Node", "NodePool")
OPERATOR = "berth-system"
HELD = frozenset(watch.resource.kind for watch in (*TABLE.held, *TABLE.polled))
"""Kinds that no API server has."""


def store(cluster: Cluster, given: Json, namespace: str) -> Json:
    """The subject of a case and its objects on a cluster; answers the subject as it is stored."""
    subject = _put(cluster, [given["subject"]], namespace, {})[0]
    owner = {
        "apiVersion": subject["apiVersion"],
        "kind": subject["kind"],
        "name": subject["metadata"]["name"],
        "uid": subject["metadata"]["uid"],
        "controller": True,
    }
    if _has_pods(given):
        # Where no controller works nobody else makes it, and no pod is taken without it.
        account: Json = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        cluster.create(account, namespace)
    _put(cluster, [one for one in given.get("objects", []) if one["kind"] not in HELD], namespace, owner)
    for name in given.get("notOwned", []):
        _foreign(cluster, given, name, namespace)
    return subject


def _has_pods(given: Json) -> bool:
    """There are some, or the plan makes one."""
    pinned = given.get("settings", {}).get("version_consistency") == "enabled"
    return pinned or any(one["kind"] == "Pod" for one in given.get("objects", []))


def clean(cluster: Cluster, given: Json, namespace: str) -> None:
    for one in (given["subject"], *given.get("objects", [])):
        if one["kind"] in CLUSTER_SCOPED:
            cluster.discard(one["kind"], one["metadata"]["name"])
    # What a subject without a namespace makes, and looks for everywhere: nobody else ends it here.
    cluster.discard_all("nodepools")
    cluster.discard_all("deployments", OPERATOR)
    # Nor does anybody empty a namespace, and every later case would list what is in it.
    for watch in TABLE.watches:
        if watch.resource.namespaced:
            cluster.discard_all(_full(watch.resource), namespace)
    cluster.discard("namespace", namespace)


def older_crds(cluster: Cluster) -> None:
    """CRDs without schema, as if an older release had let everything in."""
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        for version in crd["spec"]["versions"]:
            version["schema"]["openAPIV3Schema"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        cluster.apply(crd)
    # The API server goes by the former schemas for a moment.
    odd = [{"apiVersion": API, "kind": one.kind, "metadata": {"name": "odd"}, "spec": {"odd": True}} for one in KINDS]
    dry = ("create", "--dry-run=server", "--validate=strict", "-n", "default", "-f", "-")
    text = yaml.safe_dump_all(odd)
    eventually(lambda: cluster.kubectl(*dry, stdin=text, check=False).returncode == 0, what="nothing is refused")


def _put(cluster: Cluster, given: list[Json], namespace: str, owner: Json) -> list[Json]:
    """Make objects, all at once, and then give them their statuses."""
    secrets = [_pull_secret(cluster, _complete(one, owner, namespace)) for one in given if one["kind"] == "Secret"]
    bodies = [_complete(one, owner, namespace) for one in given if one["kind"] != "Secret"]
    made = [cluster.create({key: value for key, value in body.items() if key != "status"}) for body in bodies]
    for body in (one for one in bodies if one.get("status")):
        status = _of_a_job(body["status"]) if body["kind"] == "Job" else body["status"]
        where = body["metadata"].get("namespace", "")
        cluster.patch(_kind(body), f"{body['metadata']['name']}/status", where, {"status": _dated(status)})
    return [*secrets, *made]


def _complete(given: Json, owner: Json, namespace: str) -> Json:
    body: Json = json.loads(json.dumps(given))
    metadata = body["metadata"]
    if resource_of(given).namespaced:
        metadata["namespace"] = metadata.get("namespace") if metadata.get("namespace") == OPERATOR else namespace
    if metadata.pop("owned", False):
        metadata["ownerReferences"] = [owner]
        metadata.setdefault("labels", {})[names.MANAGED_BY] = names.FIELD_MANAGER
    metadata.pop("generation", None)
    if body["kind"] in {"Deployment", "DaemonSet"}:
        _fill_workload(body, str(owner["name"]))
    if body["kind"] == "Pod":
        metadata.pop("deletionTimestamp", None)
        metadata["labels"][names.MANAGED_BY] = names.FIELD_MANAGER
        body["spec"] = {"containers": [{"name": "web", "image": "old:1"}], **body["spec"]}
    return body


def _pull_secret(cluster: Cluster, body: Json) -> Json:
    """One that the operator made, with tokens that are no more; or somebody else's, which says nothing of tokens."""
    if names.TOKENS in body["metadata"]["annotations"]:
        body["metadata"]["labels"] = {names.MANAGED_BY: names.FIELD_MANAGER}
    body |= {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": b64encode(b"{}").decode()}}
    command = ("apply", "--server-side", "--field-manager", names.FIELD_MANAGER, "-f", "-", "-o", "json")
    return dict(json.loads(cluster.kubectl(*command, stdin=json.dumps(body)).stdout))


def _fill_workload(body: Json, service: str) -> None:
    """A pod template, which golden worlds leave out because no plan reads it."""
    provider = body["metadata"]["labels"].get(names.CAPACITY_PROVIDER, "")
    slot = body["metadata"]["labels"].get(names.SLOT, names.FIRST_SLOT)
    tasks = {names.SERVICE: service, names.CAPACITY_PROVIDER: provider, names.SLOT: slot}
    chosen = tasks if provider else {names.HEADROOM: body["metadata"]["labels"][names.HEADROOM]}
    body["metadata"]["labels"] |= chosen
    pod = body["spec"].get("template", {}).get("spec") or {"containers": [{"name": "web", "image": "old:1"}]}
    body["spec"] |= {"selector": {"matchLabels": chosen}, "template": {"metadata": {"labels": chosen}, "spec": pod}}


def _dated(status: Json) -> Json:
    """Conditions need their times to be stored, and other people's a message, if an empty one."""
    conditions: list[Json] = status.get("conditions") or []
    of_parents = (condition for parent in status.get("parents") or () for condition in parent["conditions"])
    for condition in (*conditions, *of_parents):
        condition.setdefault("lastTransitionTime", "2026-01-01T00:00:00Z")
        condition.setdefault("message", "")
    return status


def _of_a_job(status: Json) -> Json:
    """The API server lets no Job end without a beginning, and not without the condition that leads to its end."""
    at = "2026-01-01T00:00:00Z"
    made: Json = {"startTime": at, "conditions": [], "uncountedTerminatedPods": None}
    for one in status["conditions"]:
        first = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[one["type"]]
        made["conditions"] += [{**one, "type": first}, one]
        made |= {"completionTime": at, "succeeded": 1} if one["type"] == "Complete" else {"failed": 1}
    return made


def _foreign(cluster: Cluster, given: Json, full_name: str, namespace: str) -> None:
    kind, _, name = full_name.partition("/")
    body: Json = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
    if kind == "NodePool":
        karpenter = given["subject"]["spec"]["managedScaling"]["karpenter"]
        template: Json = {"spec": {"nodeClassRef": karpenter["nodeClassRef"], "requirements": []}}
        body |= {"apiVersion": "karpenter.sh/v1", "spec": {"template": template}}
        namespace = ""
    if kind == "Service":
        body["spec"] = {"ports": [{"port": 1}]}
    cluster.apply(body, namespace=namespace)


def _kind(body: Json) -> str:
    return _full(resource_of(body))


def _full(resource: Resource) -> str:
    return re.sub(r"\.$", "", f"{resource.plural}.{resource.group}")
