"""ECR's API: moto's, but for the time at which tokens expire, which moto has in 2015 for all."""

import json
import threading
import time
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from support.aws import Aws

Json = dict[str, Any]


@dataclass
class Ecr:
    """Hands on what moto says, with tokens that live as long as the test wants, each another one."""

    aws: Aws
    lifetime: float = 12 * 3600
    refusal: Json = field(default_factory=dict[str, Any])
    """What is answered instead, with the code 400."""
    tokens: list[str] = field(default_factory=list[str])
    """What was handed out, as `AWS:password`."""
    signed: list[str] = field(default_factory=list[str])
    """The Authorization headers of those who asked."""
    endpoint: str = ""

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.signed.append(headers["Authorization"])
        if self.refusal:
            return 400, json.dumps(self.refusal).encode()
        asked = urllib.request.Request(self.aws.endpoint, body, headers)  # noqa: S310  # our own process
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            given: Json = json.loads(answer.read())
        (found,) = given["authorizationData"]
        self.tokens.append(f"{b64decode(found['authorizationToken']).decode()}-{len(self.tokens)}")
        found["authorizationToken"] = b64encode(self.tokens[-1].encode()).decode()
        found["expiresAt"] = time.time() + self.lifetime
        return 200, json.dumps(given).encode()


class _Front(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        ecr = cast("_Server", self.server).ecr
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code, answer = ecr.answer(dict(self.headers), body)
        self.send_response(code)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's names
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ecr: Ecr) -> None:
        super().__init__(("127.0.0.1", 0), _Front)
        self.ecr = ecr


@contextmanager
def ecr_of(aws: Aws) -> Generator[Ecr]:
    """ECR on a port of its own, on loopback."""
    ecr = Ecr(aws)
    with _Server(ecr) as server:
        ecr.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield ecr
        finally:
            server.shutdown()
