"""Container images without a registry: archives made from static programs, for `ctr images import`."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

PAUSE = "berth.local/pause:1"
PROBE = "berth.local/probe:1"
BUSYBOX = Path("/bin/busybox")
NOBODY = 65532
# What a task's health check or a test's exec calls, from busybox.
APPLETS = ("sh", "cat", "echo", "env", "false", "grep", "hostname", "id", "ls", "nslookup", "sleep", "true", "wget")


def write_archive(path: Path, probe: Path) -> None:
    """Write the lab's two images, which share one layer: the probe with a small shell, and the pause of a sandbox."""
    layer = _layer(probe)
    digest = hashlib.sha256(layer).hexdigest()
    images = [
        _image(PROBE, digest, {"Entrypoint": ["/probe"], "Cmd": ["serve"], "User": f"{NOBODY}:{NOBODY}"}),
        _image(PAUSE, digest, {"Entrypoint": ["/probe", "pause"], "User": f"{NOBODY}:{NOBODY}"}),
    ]
    with tarfile.open(path, "w") as archive:
        _add(archive, f"{digest}.tar", layer)
        for entry, config in images:
            _add(archive, entry["Config"], config)
        _add(archive, "manifest.json", json.dumps([entry for entry, _ in images]).encode())


def _image(tag: str, layer: str, settings: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/:/bin"], "WorkingDir": "/", **settings},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
            "history": [{"created_by": "berth lab"}],
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    return {"Config": name, "RepoTags": [tag], "Layers": [f"{layer}.tar"]}, config


def _layer(probe: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            layer.addfile(folder)
        _add(layer, "etc/passwd", f"root:x:0:0::/:/bin/sh\nnobody:x:{NOBODY}:{NOBODY}::/:/bin/sh\n".encode())
        _add(layer, "etc/group", f"root:x:0:\nnobody:x:{NOBODY}:\n".encode())
        _add(layer, "probe", probe.read_bytes(), 0o755)
        if BUSYBOX.exists():
            _add(layer, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
            for applet in APPLETS:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                layer.addfile(link)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
