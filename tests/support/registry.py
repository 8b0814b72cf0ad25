"""A registry of one image that may ask for a password, as a node pulls from it: `python registry.py FOLDER PORT`.

It runs by itself, in the network of the lab's node, and notes in FOLDER/asked who asked for what.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {"manifest": "application/vnd.docker.distribution.manifest.v2+json"}


class Registry(BaseHTTPRequestHandler):
    """What containerd asks for: the manifest by tag or digest, and blobs."""

    folder = Path()

    def do_GET(self) -> None:
        self._serve(body=True)

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def _serve(self, *, body: bool) -> None:
        given = self.headers.get("Authorization", "")
        with (self.folder / "asked").open("a") as asked:
            asked.write(json.dumps([self.path, given]) + "\n")
        login = (self.folder / "login").read_text()
        if login and given != f"Basic {login}":
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="registry"'}, body=body)
            return
        name = self.path.rpartition("/")[2].partition("?")[0]
        digest = name if name.startswith("sha256:") else json.loads((self.folder / "digest").read_text())
        if "/manifests/" in self.path:
            headers = {"Content-Type": TYPES["manifest"], "Docker-Content-Digest": digest}
            self._answer(200, (self.folder / digest).read_bytes(), headers, body=body)
        elif (self.folder / name).exists() and name.startswith("sha256:"):
            self._answer(
                200, (self.folder / name).read_bytes(), {"Content-Type": "application/octet-stream"}, body=body
            )
        else:
            self._answer(404, b"", {}, body=body)

    def _answer(self, code: int, content: bytes, headers: dict[str, str], *, body: bool) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


if __name__ == "__main__":
    Registry.folder = Path(sys.argv[1])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Registry).serve_forever()
