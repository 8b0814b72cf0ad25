"""kubectl's reads and patches without a process for each: a test that waits asks ten times a second."""

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
        plain = {self.resource["resource"], self.resource["singularResource"], self.resource["responseKind"]["kind"]}
        plain |= set(self.resource.get("shortNames", ()))
        full = {f"{one}{end}" for one in plain for end in (f".{self.group}", f".{self.version}.{self.group}")}
        return {one.lower() for one in plain | (full if self.group else set())}

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

    def _kind(self, word: str) -> _Kind:
        """Known, or known since: definitions come while tests run."""
        if word.lower() not in self._kinds:
            self._kinds = {}
            for kind in self._served():
                for one in kind.words:
                    self._kinds.setdefault(one, kind)
        if word.lower() not in self._kinds:
            raise Unknown
        return self._kinds[word.lower()]

    def _served(self) -> Iterator[_Kind]:
        """In the order in which kubectl prefers them."""
        for root in ("/api", "/apis"):
            for group in _taken(*self._ask("GET", root, accept=DISCOVERY))["items"]:
                for version in group["versions"]:
                    for resource in version.get("resources", ()):
                        yield _Kind(group["metadata"].get("name", ""), version["version"], resource)

    def _ask(self, verb: str, path: str, accept: str = "application/json") -> tuple[int, Json]:
        headers = {"Accept": accept, "User-Agent": "tests"}
        if value := self._authorization():
            headers["Authorization"] = value
        try:
            answer = self._pool.request(verb, self._server + path, headers=headers, timeout=SECONDS)
            return answer.status, dict(json.loads(answer.data))
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unknown from error


@cache
def api_client(kubeconfig: Path) -> ApiClient:
    """One for each user of each cluster, so that connections are kept."""
    return ApiClient(kubeconfig)


def _taken(code: int, answer: Json) -> Json:
    if code != 200:
        raise Unknown
    return answer


def _as_printed(body: Json, kind: _Kind) -> Json:
    """Lists leave out what their items are, and kubectl leaves out who wrote which field."""
    body.setdefault("apiVersion", kind.api_version)
    body.setdefault("kind", kind.resource["responseKind"]["kind"])
    body["metadata"].pop("managedFields", None)
    return body
