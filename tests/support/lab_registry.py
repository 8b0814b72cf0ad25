"""A registry in the network of the lab's node: `registry.py` with the lab's probe as its image."""

import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from berth.lab import Lab
from berth.lab.peers import enter
from support import registry

Json = dict[str, Any]
PORT = 5000
URL = f"http://127.0.0.1:{PORT}"
DOCKER = "application/vnd.docker"


@contextmanager
def served(lab: Lab, folder: Path, host: str) -> Generator[Path]:
    """The lab's probe as the one image of a registry, where the node finds it."""
    folder.mkdir()
    (folder / "login").write_text("nobody's yet")
    publish(lab, folder)
    hosts = lab.state.folder / "node" / "certs.d" / host
    hosts.mkdir(parents=True)
    (hosts / "hosts.toml").write_text(f'server = "{URL}"\n[host."{URL}"]\n')
    # -P: beside the registry lies a module that is called operator, as one of the standard library is.
    command = [*enter(lab.state), sys.executable, "-P", registry.__file__, str(folder), str(PORT)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield folder
        finally:
            process.terminate()


def publish(lab: Lab, folder: Path, label: str = "") -> str:
    """A manifest and its blobs, out of an archive of Docker's; the digest that all tags stand for from now on."""
    with tarfile.open(lab.state.folder / "node" / "images.tar") as images:

        def content(name: str) -> bytes:
            found = images.extractfile(name)
            assert found is not None
            return found.read()

        image = next(one for one in json.loads(content("manifest.json")) if "probe" in one["RepoTags"][0])
        config, layer = content(image["Config"]), content(image["Layers"][0])
    if label:
        config = json.dumps({**json.loads(config), "author": label}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": registry.TYPES["manifest"],
        "config": _blob(folder, f"{DOCKER}.container.image.v1+json", config),
        "layers": [_blob(folder, f"{DOCKER}.image.rootfs.diff.tar", layer)],
    }
    digest = _blob(folder, registry.TYPES["manifest"], json.dumps(manifest).encode())["digest"]
    (folder / "digest").write_text(json.dumps(digest))
    return str(digest)


def _blob(folder: Path, kind: str, content: bytes) -> Json:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    (folder / digest).write_bytes(content)
    return {"mediaType": kind, "size": len(content), "digest": digest}
