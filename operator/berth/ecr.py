"""ECR's tokens: one signed request to AWS, as whoever the operator is there (ADR 42)."""

import asyncio
import io
import json
import re
from datetime import UTC, datetime
from typing import Any, cast

import aiohttp

from berth.adapters import EcrRegistry, Platform
from berth.engine.clock import Clock
from berth.engine.tokens import NotIssued, Token

TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
TOLD = "AccessDeniedException"
"""The one error whose message is shown: those about signatures repeat parts of the request, credentials among them."""
_OK = 200


class EcrIssuer:
    """Hands out the token of one registry. Credentials are found as AWS's own tools find them, each time anew."""

    def __init__(self, registry: EcrRegistry, renew_seconds: float, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self.name = registry.host
        self.renew_seconds = renew_seconds

    async def issue(self) -> Token:
        url = self._registry.endpoint or f"https://api.ecr.{self._registry.region}.amazonaws.com{self._registry.suffix}"
        headers = await self._signed(url)
        try:
            async with (
                aiohttp.ClientSession(trust_env=True) as session,
                session.post(url, data=b"{}", headers=headers, allow_redirects=False) as response,
            ):
                answer = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise NotIssued(f"ECR cannot be reached at {url} ({type(error).__name__})") from error
        return self._token(response.status, answer)

    async def _signed(self, url: str) -> dict[str, str]:
        """The headers of a request for a token, signed."""
        from awscrt import auth, exceptions, http  # noqa: PLC0415  # an extra, which most clusters do without

        sign: Any = cast("Any", auth).aws_sign_request
        wanted = {
            "Host": url.partition("://")[2].partition("/")[0],
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": TARGET,
        }
        request = http.HttpRequest("POST", "/", http.HttpHeaders(list(wanted.items())), io.BytesIO(b"{}"))
        provider: Any = auth.AwsCredentialsProvider
        try:
            found = provider.new_profile(None, self._registry.profile) if self._registry.profile else None
            config = auth.AwsSigningConfig(
                credentials_provider=found or provider.new_default_chain(),
                region=self._registry.region,
                service="ecr",
            )
            signed: Any = await asyncio.wrap_future(sign(request, config))
        except (exceptions.AwsCrtError, RuntimeError) as error:
            where = f" in the profile {self._registry.profile}" if self._registry.profile else ""
            raise NotIssued(f"the operator found no credentials of AWS{where} ({_code(error)})") from error
        return dict(signed.headers)

    def _token(self, status: int, answer: bytes) -> Token:
        try:
            body: Any = json.loads(answer)
            if status == _OK:
                (found, *_) = body["authorizationData"]
                expires = datetime.fromtimestamp(float(found["expiresAt"]), UTC)
                return Token(str(found["authorizationToken"]), self._clock.now(), expires)
            kind = str(body.get("__type", "")).rpartition("#")[2] or f"HTTP {status}"
            message = str(body.get("message") or body.get("Message") or "")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise NotIssued(f"ECR answered {status}, and not as its API says") from None
        raise NotIssued(f"ECR says {kind}" + (f": {message}" if kind == TOLD and message else ""))


def _code(error: Exception) -> str:
    """What AWS's library calls it, such as AWS_ERROR_FILE_INVALID_PATH."""
    found = re.search(r"\bAWS_[A-Z0-9_]+", f"{getattr(error, 'name', '')} {error}")
    return found[0] if found else type(error).__name__


def issuers(platform: Platform, clock: Clock) -> tuple[EcrIssuer, ...]:
    """One for each registry that the platform file names."""
    return tuple(EcrIssuer(one, platform.ecr.refresh_seconds, clock) for one in platform.ecr.registries)
