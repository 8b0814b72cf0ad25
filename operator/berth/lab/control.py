"""Requests to a lab's supervisor, over a socket in the lab's folder."""

import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from berth.lab.errors import LabError


@contextmanager
def socket_path(folder: Path) -> Generator[str]:
    """Yield the socket's path by way of the open folder: the kernel takes no path of more than 107 bytes."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/control"
    finally:
        os.close(descriptor)


def ask(folder: Path, action: str, component: str = "") -> dict[str, str]:
    """Send one request and return the answer, each component's status."""
    with socket_path(folder) as path, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        try:
            connection.connect(path)
            connection.sendall(json.dumps({"do": action, "component": component}).encode() + b"\n")
            with connection.makefile() as stream:
                answer: dict[str, Any] = json.loads(stream.readline() or '{"error": "no answer"}')
        except OSError as error:
            raise LabError(f"the lab in {folder} does not answer: {error}") from error
    if "error" in answer:
        raise LabError(f"{action} {component}: {answer['error']}")
    result: dict[str, str] = answer["result"]
    return result
