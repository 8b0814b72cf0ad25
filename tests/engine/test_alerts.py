"""How alerts are asked for: over TLS that is checked, and with sentences for what goes wrong."""

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from berth.alarm_adapters import Alarms
from berth.alerts import AlertReader
from berth.engine.key import Key
from berth.engine.readings import NotRead
from berth.plan.outcome import Json
from berth.resources import ALERT

ASKED = [Key(ALERT, "shop", "HighErrorRate")]
GROUPS = '{"status": "success", "data": {"groups": [%s]}}'


class Server:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: tuple[int, str] = (200, GROUPS % "")
        self.seen: list[tuple[str, str]] = []
        server = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.seen.append((self.path, self.headers.get("Authorization", "")))
                status, text = server.answer
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # the library's names
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.address = f"127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Generator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def read(**server: object) -> dict[Key, Json]:
    return dict(asyncio.run(AlertReader(Alarms.model_validate(server)).read(ASKED)))


def told(server: Server) -> str:
    with pytest.raises(NotRead) as reason:
        read(prometheus=f"http://{server.address}")
    return str(reason.value)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((503, "no"), "Prometheus answered 503"),
        ((302, ""), "Prometheus answered 302"),
        ((200, "<html>"), "Prometheus answered, and not as its API says"),
        ((200, '{"data": null}'), "Prometheus answered, and not as its API says"),
        ((200, GROUPS % '{"rules": [{}]}'), "Prometheus answered, and not as its API says"),
        ((200, " " * (9 << 20)), "Prometheus answered more than 8 MiB"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_goes_wrong_is_a_sentence(server: Server, answer: tuple[int, str], sentence: str) -> None:
    server.answer = answer
    assert told(server) == sentence
    assert len(server.seen) == 1, "no redirect is followed, with a token in hand"


def test_nobody_is_there(server: Server) -> None:
    server.http.shutdown()
    server.http.server_close()
    assert told(server).startswith("Prometheus cannot be reached (")
    assert server.address not in told(server)


def test_names_go_into_the_question_as_they_are(server: Server) -> None:
    name = 'a "b"\\ & c=d'
    server.answer = (200, "[]")
    asked = [Key(ALERT, "shop", name)]
    found = asyncio.run(AlertReader(Alarms(alertmanager=f"http://{server.address}/am/")).read(asked))
    assert found == {asked[0]: {"state": "OK"}}
    assert server.seen[0][0].startswith("/am/api/v2/alerts?active=true&silenced=false&inhibited=false")
    assert "filter=alertname%3D%22a+%5C%22b%5C%22%5C%5C+%26+c%3Dd%22" in server.seen[0][0]


def test_a_certificate_is_checked_and_a_token_goes_along(server: Server, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    certificate, token = tmp_path / "tls.crt", tmp_path / "token"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -addext subjectAltName=IP:127.0.0.1 -days 2"
    files = ["-keyout", str(tmp_path / "tls.key"), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "tls.key")
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    token.write_text("a-token\n")
    url = f"https://{server.address}"
    assert read(prometheus=url, ca_file=str(certificate), token_file=str(token)) == {
        ASKED[0]: {"problem": "there is no alert of this name"}
    }
    assert server.seen[-1][1] == "Bearer a-token"
    with pytest.raises(NotRead, match=r"cannot be reached \(its certificate is not trusted\)"):
        read(prometheus=url, token_file=str(token))
    with pytest.raises(NotRead, match="tokenFile"):
        read(prometheus=url, token_file=str(tmp_path / "none"))
    with pytest.raises(NotRead, match="caFile"):
        read(prometheus=url, ca_file=str(tmp_path / "none"))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({}, "name one server"),
        ({"prometheus": "http://a", "alertmanager": "http://b"}, "name one server"),
        ({"prometheus": "http://a", "tokenFile": "/token"}, "a token goes over https alone"),
        ({"prometheus": "ftp://a"}, "pattern"),
        ({"prometheus": "https://user:word@a"}, "pattern"),
    ],
)
def test_a_server_that_cannot_be_meant_is_refused_at_the_start(server: Json, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Alarms.model_validate(server)
