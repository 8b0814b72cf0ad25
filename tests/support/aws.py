"""AWS as moto plays it, in a process of its own, and just enough of its API to fill it and to read from it."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from berth.lab import ports
from berth.lab.paths import cache_root
from support.cluster import ROOT
from support.waiting import eventually

Json = dict[str, Any]
REGION = "eu-west-1"
TARGETS = {"secretsmanager": "secretsmanager", "ssm": "AmazonSSM"}


@dataclass(frozen=True)
class Aws:
    """One account in one region."""

    endpoint: str

    def call(self, service: str, action: str, **request: Any) -> Json:
        """One request in the JSON protocol; moto checks no signature, but reads the service out of it."""
        credential = f"Credential=test/20260101/{REGION}/{service}/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{TARGETS[service]}.{action}",
            "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0",
        }
        body = json.dumps(request).encode()
        asked = urllib.request.Request(self.endpoint, body, headers)  # noqa: S310  # our own process
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            return dict(json.loads(answer.read()))

    def secret(self, name: str, *values: str) -> str:
        """A secret of Secrets Manager with these values, the newest last; its ARN."""
        arn = str(self.call("secretsmanager", "CreateSecret", Name=name, SecretString=values[0])["ARN"])
        for value in values[1:]:
            self.call("secretsmanager", "PutSecretValue", SecretId=arn, SecretString=value)
        return arn

    def parameter(self, name: str, value: str) -> str:
        """A parameter of SSM; its ARN."""
        self.call("ssm", "PutParameter", Name=name, Value=value, Type="SecureString")
        return str(self.call("ssm", "GetParameter", Name=name)["Parameter"]["ARN"])


@contextmanager
def moto() -> Generator[Aws]:
    """A moto server on a port of its own, on loopback."""
    server = _server()
    reserved = ports.reserve()
    port = ports.number(reserved)
    reserved.close()
    command = [server, "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            aws = Aws(f"http://127.0.0.1:{port}")
            eventually(lambda: process.poll() is None and _answers(aws), 120, "moto answers")
            yield aws
        finally:
            process.terminate()


def _server() -> Path:
    """The server of moto out of uv.lock, in an environment of its own: it holds back what Berth itself uses."""
    uv = shutil.which("uv", path=f"{ROOT / '.uv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    assert uv is not None, "no uv: run `make setup`"
    home = cache_root() / "aws"
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    environment["UV_PROJECT_ENVIRONMENT"] = str(home)
    command = [uv, "sync", "--quiet", "--locked", "--only-group", "aws", "--python", sys.executable]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return home / "bin" / "moto_server"


def _answers(aws: Aws) -> bool:
    try:
        with urllib.request.urlopen(f"{aws.endpoint}/moto-api/", timeout=5) as answer:  # noqa: S310
            return bool(answer.status)
    except OSError:
        return False
