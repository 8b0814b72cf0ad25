"""External Secrets: its real CustomResourceDefinitions, and a stand-in for its controller over a real API of AWS's.

The controller is not built here: it drags in every cloud's client. What it does with our ExternalSecrets is little.
"""

import base64
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import go_module
from support.aws import Aws
from support.cluster import Cluster

Json = dict[str, Any]
MODULE = "github.com/external-secrets/external-secrets@v1.3.2"
CRDS = ("externalsecrets", "secretstores", "clustersecretstores")
GROUP = "external-secrets.io"
_LOOK_SECONDS = 0.2


def crds() -> list[Path]:
    """Out of the Go module that External Secrets is published as."""
    folder = go_module.folder(MODULE) / "config" / "crds" / "bases"
    return [folder / f"{GROUP}_{plural}.yaml" for plural in CRDS]


def install(cluster: Cluster) -> None:
    """The kinds, without the controller."""
    for path in crds():
        cluster.kubectl("apply", "--server-side", "-f", str(path))
    cluster.wait_kinds(*(f"{plural}.{GROUP}" for plural in CRDS))


def store(name: str, service: str) -> Json:
    aws = {"service": service, "region": "eu-west-1"}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "SecretStore",
        "metadata": {"name": name},
        "spec": {"provider": {"aws": aws}},
    }


@contextmanager
def controller(cluster: Cluster, aws: Aws) -> Generator[None]:
    """Fetches what ExternalSecrets ask for, until it is told to stop."""
    ended = threading.Event()
    faults: list[BaseException] = []

    def work() -> None:
        done: set[str] = set()
        try:
            while not ended.wait(_LOOK_SECONDS):
                for one in cluster.all(f"externalsecrets.{GROUP}"):
                    if one["metadata"]["uid"] not in done:
                        _fetch(cluster, aws, one)
                        done.add(one["metadata"]["uid"])
        except BaseException as fault:  # noqa: BLE001  # told by the test's own thread
            faults.append(fault)

    thread = threading.Thread(target=work, name="external-secrets")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        assert not faults, faults


def _fetch(cluster: Cluster, aws: Aws, one: Json) -> None:
    metadata, spec = one["metadata"], one["spec"]
    namespace = metadata["namespace"]
    data = {item["secretKey"]: _value(aws, _service(cluster, namespace, spec, item), item) for item in spec["data"]}
    template: Json = spec["target"].get("template", {})
    for key, text in template.get("data", {}).items():
        filled = str(text)
        for name, value in list(data.items()):
            filled = filled.replace(f"{{{{ .{name} | toJson }}}}", json.dumps(value))
        data = {key: filled}
    owner = {"apiVersion": one["apiVersion"], "kind": one["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": spec["target"]["name"], "ownerReferences": [{**owner, "controller": True}]},
        "type": template.get("type", "Opaque"),
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }
    cluster.apply(secret, namespace=namespace)


def _service(cluster: Cluster, namespace: str, spec: Json, item: Json) -> str:
    reference = item.get("sourceRef", {}).get("storeRef") or spec["secretStoreRef"]
    found = cluster.get(f"{reference['kind'].lower()}s.{GROUP}", reference["name"], namespace)
    assert found is not None, f"no store {reference}"
    return str(found["spec"]["provider"]["aws"]["service"])


def _value(aws: Aws, service: str, item: Json) -> str:
    remote = item["remoteRef"]
    if service == "ParameterStore":
        text = str(aws.call("ssm", "GetParameter", Name=remote["key"], WithDecryption=True)["Parameter"]["Value"])
    else:
        version = str(remote.get("version", ""))
        asked = {"VersionId": version[5:]} if version.startswith("uuid/") else {"VersionStage": version or "AWSCURRENT"}
        text = str(aws.call("secretsmanager", "GetSecretValue", SecretId=remote["key"], **asked)["SecretString"])
    return str(json.loads(text)[remote["property"]]) if "property" in remote else text
