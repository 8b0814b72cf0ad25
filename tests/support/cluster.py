"""The cluster that tests run on: a lab of their own, kind, or the current context."""

import json
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.api import KINDS
from berth.lab import Lab, tool
from berth.resources import GROUP
from support.api_client import Unknown, api_client
from support.lab_name import lab_name
from support.simulated_nodes import simulated_nodes
from support.waiting import eventually

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
NODES = 20
BERTH_KINDS = tuple(f"{kind.plural}.{GROUP}" for kind in KINDS)


@dataclass(frozen=True)
class Cluster:
    """A cluster through its own kubectl, as some user."""

    kubeconfig: Path
    lab: Lab | None = None

    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(tool("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done

    def get(self, kind: str, name: str, namespace: str = "") -> Json | None:
        """The object, or None when there is none."""
        with suppress(Unknown):
            return api_client(self.kubeconfig).get(kind, name, namespace)
        done = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found", *_in(namespace))
        return dict(json.loads(done.stdout)) if done.stdout else None

    def all(self, kind: str, namespace: str = "", selector: str = "") -> list[Json]:
        with suppress(Unknown):
            return api_client(self.kubeconfig).all(kind, namespace, selector)
        where = _in(namespace) or ["-A"]
        done = self.kubectl("get", kind, "-o", "json", *where, *([f"-l{selector}"] if selector else []))
        return list(json.loads(done.stdout)["items"])

    def apply(self, *objects: Json, namespace: str = "") -> None:
        """As a user does it with kubectl apply: server-side, strict about unknown fields."""
        with suppress(Unknown):
            for one in objects:
                api_client(self.kubeconfig).apply(one, namespace)
            return
        self.kubectl("apply", "--server-side", "-f", "-", *_in(namespace), stdin=yaml.safe_dump_all(objects))

    def refused(self, manifest: Json, namespace: str = "") -> str:
        """What the API server says against an object; that it stored nothing is part of the check."""
        done = self.kubectl("apply", "-f", "-", *_in(namespace), stdin=yaml.safe_dump(manifest), check=False)
        assert done.returncode != 0, f"accepted: {manifest}"
        assert self.get(_full_kind(manifest), manifest["metadata"]["name"], namespace) is None
        return done.stderr

    def refusal(self, body: Json, namespace: str = "default") -> str:
        """What the API server would say against an object, empty where it would take it; nothing is stored."""
        with suppress(Unknown):
            return api_client(self.kubeconfig).refusal(body, namespace)
        command = ("create", "--dry-run=server", "-f", "-", *_in(namespace))
        return self.kubectl(*command, stdin=json.dumps(body), check=False).stderr

    def patch(self, kind: str, name: str, namespace: str, body: Json) -> None:
        with suppress(Unknown):
            api_client(self.kubeconfig).patch(kind, name, namespace, body)
            return
        self.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps(body), *_in(namespace))

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        self.kubectl("delete", kind, name, "--timeout=120s", *_in(namespace))

    def create(self, body: Json, namespace: str = "") -> Json:
        """The object as it is stored; what is there already is refused."""
        with suppress(Unknown):
            return api_client(self.kubeconfig).create(body, namespace)
        done = self.kubectl("create", "-f", "-", "-o", "json", *_in(namespace), stdin=json.dumps(body))
        return dict(json.loads(done.stdout))

    def discard(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete it, and let it go when it will."""
        with suppress(Unknown):
            api_client(self.kubeconfig).delete(kind, name, namespace)
            return
        self.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false", *_in(namespace))

    def discard_all(self, kind: str, namespace: str = "") -> None:
        """All of a kind, at once."""
        with suppress(Unknown):
            api_client(self.kubeconfig).delete_all(kind, namespace)
            return
        self.kubectl("delete", kind, "--all", "--wait=false", "--grace-period=0", *_in(namespace))

    def create_namespace(self, name: str, *, takes_pods: bool = True) -> None:
        """There, and with the ServiceAccount without which no pod is taken; a controller makes it."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        if takes_pods:
            eventually(lambda: self.get("serviceaccount", "default", name), what=f"pods are taken in {name}")

    def wait_kinds(self, *plurals: str) -> None:
        """Until these kinds, or else Berth's, are served, and all who ask what there is hear of them."""
        wanted = plurals or BERTH_KINDS
        established = (f"crd/{one}" for one in wanted)
        self.kubectl("wait", "--for=condition=Established", "--timeout=120s", *established)

        def known() -> bool:
            return {*wanted} <= {*self.kubectl("api-resources", "-o", "name", check=False).stdout.split()}

        eventually(known, what=f"{', '.join(wanted)} are served")

    def condition(self, kind: str, name: str, namespace: str, wanted: str = "Ready") -> Json:
        """One condition of an object, empty while there is none."""
        found = self.get(kind, name, namespace) or {}
        conditions: list[Json] = found.get("status", {}).get("conditions") or []
        nothing: Json = {}
        return next((one for one in conditions if one["type"] == wanted), nothing)


@contextmanager
def cluster_of(kind: str) -> Generator[Cluster]:
    """A cluster with Berth's CRDs and simulated nodes, gone (but for the current context) when the tests are done."""
    if kind == "lab":
        with Lab(lab_name(), nodes=f"kwok:{NODES}", tie_to_parent=True) as lab:
            yield prepared(Cluster(lab.kubeconfig, lab))
    elif kind == "kind":
        with _kind() as kubeconfig, simulated_nodes(kubeconfig, NODES):
            yield prepared(Cluster(kubeconfig))
    else:
        kubeconfig = _current()
        with simulated_nodes(kubeconfig, NODES):
            yield prepared(Cluster(kubeconfig))


def prepared(cluster: Cluster) -> Cluster:
    """The cluster with Berth's CRDs in place."""
    cluster.kubectl("apply", "--server-side", "-k", str(ROOT / "crds"))
    cluster.wait_kinds()
    return cluster


@contextmanager
def _kind() -> Generator[Path]:
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("--cluster kind needs a Docker engine, and none answers here")
    from pytest_kind import KindCluster  # noqa: PLC0415  # it needs Docker, which most runs do not

    kind = KindCluster("berth-test", kubectl_path=tool("kubectl"))
    kind.create()
    try:
        yield Path(kind.kubeconfig_path)
    finally:
        kind.delete()


def _current() -> Path:
    """The current context's kubeconfig, only when the person said which context may be used."""
    kubeconfig = Path(os.environ.get("KUBECONFIG", "~/.kube/config")).expanduser()
    allowed = os.environ.get("BERTH_TEST_CONTEXT", "")
    current = yaml.safe_load(kubeconfig.read_text()).get("current-context") if kubeconfig.exists() else None
    if not current:
        pytest.exit(f"--cluster current: {kubeconfig} names no current context; set KUBECONFIG", returncode=4)
    if current != allowed:
        pytest.exit(
            f"--cluster current would use the context {current!r}: set BERTH_TEST_CONTEXT={current} "
            "to allow that (the tests create and delete namespaces, nodes and CapacityProviders there)",
            returncode=4,
        )
    return kubeconfig


def _in(namespace: str) -> list[str]:
    return ["-n", namespace] if namespace else []


def _full_kind(manifest: Json) -> str:
    group, _, version = manifest["apiVersion"].rpartition("/")
    return f"{manifest['kind']}.{version}.{group}" if group else manifest["kind"]
