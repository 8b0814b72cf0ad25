"""What tests ask of an API server all the time, without a process for each: who waits asks ten times a second."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from berth.engine.credentials import from_kubeconfig

Json = dict[str, Any]
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
JSON, MERGE, APPLY = "application/json", "application/merge-patch+json", "application/apply-patch+yaml"
DEFAULT = "default"
"""Where namespaced objects are looked for when nobody says where."""
SECONDS = 30.0


class Unknown(Exception):  # noqa: N818  # a finding, not a fault
    """Nothing that this client can tell: kubectl says it better."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of object as the API server serves it."""

    group: str
    version: str
    resource: Json

    @property
    def words(self) -> set[str]:
        """All that kubectl takes for it, in lower case."""
        plain = {self.resource["resource"], self.resource["singularResource"], self.kind}
        plain.update(map(str, self.resource.get("shortNames") or []))
        ends = ("", f".{self.group}", f".{self.version}.{self.group}") if self.group else ("",)
        return {f"{one}{end}".lower() for one in plain for end in ends}

    @property
    def kind(self) -> str:
        return str(self.resource["responseKind"]["kind"])

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str) -> str:
        root = f"/apis/{self.group}" if self.group else "/api"
        inside = f"/namespaces/{namespace}" if namespace and self.resource["scope"] == "Namespaced" else ""
        return f"{root}/{self.version}{inside}/{self.resource['resource']}"


class ApiClient:
    """One user's way to one API server; threads may share it."""

    def __init__(self, kubeconfig: Path) -> None:
        login = from_kubeconfig(str(kubeconfig))
        self._server, self._authorization = login.server, login.authorization
        assert not isinstance(login.certificates, bool)
        self._pool = urllib3.PoolManager(ssl_context=login.certificates, maxsize=8, retries=False)
        self._kinds: dict[str, _Kind] = {}

    def get(self, kind: str, name: str, namespace: str) -> Json | None:
        """The object, or None when there is none."""
        found = self._kind(kind)
        code, answer = self._ask("GET", f"{found.path(namespace or DEFAULT)}/{name}")
        if code == 404 and answer.get("details", {}).get("name") == name:
            return None
        return _as_printed(_taken(code, answer), found)

    def all(self, kind: str, namespace: str, selector: str) -> list[Json]:
        found = self._kind(kind)
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        code, answer = self._ask("GET", found.path(namespace) + query)
        return [_as_printed(one, found) for one in _taken(code, answer)["items"]]

    def apply(self, body: Json, namespace: str) -> None:
        """Server-side, strict about unknown fields, in kubectl's name."""
        query = urlencode({"fieldManager": "kubectl", "fieldValidation": "Strict"})
        path = f"{self._path(body, namespace)}/{body['metadata']['name']}?{query}"
        _taken(*self._ask("PATCH", path, APPLY, body))

    def create(self, body: Json, namespace: str) -> Json:
        """The object as it is stored."""
        query = urlencode({"fieldManager": "kubectl-create", "fieldValidation": "Strict"})
        return _taken(*self._ask("POST", f"{self._path(body, namespace)}?{query}", JSON, body))

    def refusal(self, body: Json, namespace: str) -> str:
        """Empty where it would be taken; nothing is stored."""
        query = urlencode({"dryRun": "All", "fieldValidation": "Strict"})
        code, answer = self._ask("POST", f"{self._path(body, namespace)}?{query}", JSON, body)
        return "" if code == 201 else str(answer["message"])

    def patch(self, kind: str, name: str, namespace: str, body: Json) -> None:
        """A part of it with "name/part"."""
        _taken(*self._ask("PATCH", f"{self._kind(kind).path(namespace or DEFAULT)}/{name}", MERGE, body))

    def delete(self, kind: str, name: str, namespace: str) -> None:
        """If it is there; it need not be gone yet, nor what it owns."""
        path = f"{self._kind(kind).path(namespace or DEFAULT)}/{name}?propagationPolicy=Background"
        code, answer = self._ask("DELETE", path)
        if code != 404:
            _taken(code, answer)

    def delete_all(self, kind: str, namespace: str) -> None:
        """All of a kind in a namespace, and at once: where no kubelet works, pods would stay for their last seconds."""
        query = urlencode({"propagationPolicy": "Background", "gracePeriodSeconds": 0})
        _taken(*self._ask("DELETE", f"{self._kind(kind).path(namespace)}?{query}"))

    def _path(self, body: Json, namespace: str) -> str:
        group, _, version = body["apiVersion"].rpartition("/")
        kind = self._kind(f"{body['kind']}.{version}.{group}" if group else body["kind"])
        return kind.path(body["metadata"].get("namespace", namespace or DEFAULT))

    def _kind(self, word: str) -> _Kind:
        """Known, or known since: definitions come while tests run."""
        found = self._kinds.get(word.lower())
        if found is None:
            kinds: dict[str, _Kind] = {}
            for kind in self._served():
                for one in kind.words:
                    kinds.setdefault(one, kind)
            self._kinds, found = kinds, kinds.get(word.lower())
        if found is None:
            raise Unknown
        return found

    def _served(self) -> Iterator[_Kind]:
        """In the order in which kubectl prefers them."""
        for root in ("/api", "/apis"):
            for group in _taken(*self._ask("GET", root, DISCOVERY))["items"]:
                for version in group["versions"]:
                    for resource in version.get("resources", ()):
                        yield _Kind(group["metadata"].get("name", ""), version["version"], resource)

    def _ask(self, verb: str, path: str, form: str = JSON, body: Json | None = None) -> tuple[int, Json]:
        """In that form: the answer's, and where there is a body, the body's."""
        headers = {"Accept": JSON if body else form, "User-Agent": "tests"}
        headers |= {"Content-Type": form} if body else {}
        if value := self._authorization():
            headers["Authorization"] = value
        try:
            sent = _as_go_writes_it(body) if body else None
            answer = self._pool.request(verb, self._server + path, sent, headers=headers, timeout=SECONDS)
            return answer.status, dict(json.loads(answer.data))
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unknown from error


@cache
def api_client(kubeconfig: Path) -> ApiClient:
    """One for each user of each cluster, so that connections are kept."""
    return ApiClient(kubeconfig)


def _taken(code: int, answer: Json) -> Json:
    if code not in {200, 201, 202}:
        raise Unknown
    return answer


def _as_go_writes_it(body: Json) -> bytes:
    """The API server compares what is in a ControllerRevision byte by byte, and kubectl is written in Go."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for one in "<>&":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return text.encode()


def _as_printed(body: Json, kind: _Kind) -> Json:
    """Lists leave out what their items are, and kubectl leaves out who wrote which field."""
    body.setdefault("apiVersion", kind.api_version)
    body.setdefault("kind", kind.kind)
    body["metadata"].pop("managedFields", None)
    return body
