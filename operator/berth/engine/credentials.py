"""Who we are to the API server: a service account in the cluster, a kubeconfig elsewhere."""

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TOKEN_AGE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Login:
    """What one look at the service account or the kubeconfig gave."""

    server: str
    certificates: ssl.SSLContext | bool
    authorization: Callable[[], str]
    """Reads the Authorization header's value; empty when a client certificate says it all."""
    proxy: str | None = None


class NoCredentials(Exception):  # noqa: N818  # a finding, not a fault
    """Neither a service account nor a usable kubeconfig."""


class Credentials:
    """A login whose token is read again each minute: kubelets and exec plugins replace it."""

    def __init__(self, load: Callable[[], Login]) -> None:
        self._load = load
        self._login = load()
        self._authorization = ""
        self._read_at = float("-inf")

    @property
    def server(self) -> str:
        return self._login.server

    async def authorization(self) -> str:
        now = asyncio.get_running_loop().time()
        if now - self._read_at > _TOKEN_AGE_SECONDS:
            self._authorization = await asyncio.to_thread(self._login.authorization)
            self._read_at = now
        return self._authorization

    async def renew(self) -> None:
        """Start from the files again, certificates included: the server refused what we had."""
        self._login = await asyncio.to_thread(self._load)
        self._read_at = float("-inf")

    async def session(self, limits: aiohttp.ClientTimeout | None = None) -> aiohttp.ClientSession:
        """A session whose every request carries the present token, so that long-lived users need no new login."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._login.certificates, keepalive_timeout=60),
            middlewares=(self._authorize,),
            timeout=limits or aiohttp.ClientTimeout(total=None),
            proxy=self._login.proxy,
            headers={"User-Agent": "berth"},
        )

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if value := await self.authorization():
            request.headers["Authorization"] = value
        return await handler(request)


def find_credentials() -> Credentials:
    """BERTH_KUBECONFIG, else the pod's service account, else KUBECONFIG or ~/.kube/config."""
    chosen = os.environ.get("BERTH_KUBECONFIG")
    if not chosen and os.environ.get("KUBERNETES_SERVICE_HOST") and (SERVICE_ACCOUNT / "token").exists():
        return Credentials(from_service_account)
    return Credentials(lambda: from_kubeconfig(chosen or None))


def from_service_account(folder: Path = SERVICE_ACCOUNT) -> Login:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    certificates = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    return Login(server, certificates, lambda: f"Bearer {(folder / 'token').read_text().strip()}")


def from_kubeconfig(path: str | None, context: str | None = None) -> Login:
    """What a kubeconfig says, by the kubernetes package's own loader: exec plugins and client certificates included."""
    from kubernetes import client, config  # noqa: PLC0415  # not needed in a cluster

    loaded: Any = client.Configuration()
    load = cast("Any", config).load_kube_config
    try:
        load(path, context, client_configuration=loaded, persist_config=False)
    except config.ConfigException as error:
        where = path or os.environ.get("KUBECONFIG") or "~/.kube/config"
        trouble = str(error).rstrip(".")
        raise NoCredentials(f"no cluster to talk to: this is no pod of one, and {where} says: {trouble}") from error
    return Login(str(loaded.host).rstrip("/"), _certificates(loaded), lambda: _token(loaded), loaded.proxy or None)


def _certificates(loaded: Any) -> ssl.SSLContext | bool:
    if not str(loaded.host).startswith("https"):
        return True
    made = ssl.create_default_context(cafile=loaded.ssl_ca_cert)
    if not loaded.verify_ssl:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if loaded.cert_file:
        made.load_cert_chain(loaded.cert_file, loaded.key_file)
    return made


def _token(loaded: Any) -> str:
    if found := loaded.get_api_key_with_prefix("BearerToken", alias="authorization"):
        return str(found)
    return str(loaded.get_basic_auth_token()) if loaded.username else ""
