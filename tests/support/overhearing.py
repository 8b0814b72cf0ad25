"""A proxy between the operator and the API server: what was asked of Secrets and ConfigMaps, and what was answered."""

import asyncio
import ssl
import threading
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

WATCHED = ("/secrets", "/configmaps")
HEADERS = ("Authorization", "Accept", "Content-Type", "User-Agent")


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    verb: str
    path: str
    accept: str
    code: int
    answer: str


@dataclass
class Overhearing:
    """All exchanges about Secrets and ConfigMaps so far."""

    kubeconfig: Path
    exchanges: list[Exchange] = field(default_factory=list[Exchange])


@contextmanager
def overhearing(kubeconfig: Path, folder: Path) -> Generator[Overhearing]:
    """A kubeconfig that leads through the proxy, as the same user."""
    config: Any = yaml.safe_load(kubeconfig.read_text())
    cluster: Any = config["clusters"][0]["cluster"]
    server, authority = cluster["server"], b64decode(cluster["certificate-authority-data"]).decode()
    heard = Overhearing(folder / "overheard.kubeconfig")
    loop, up, port = asyncio.new_event_loop(), threading.Event(), [0]
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(server, authority, heard, (up, port)),))
    thread.start()
    try:
        assert up.wait(30)
        cluster.clear()
        cluster["server"] = f"http://127.0.0.1:{port[0]}"
        heard.kubeconfig.write_text(yaml.safe_dump(config))
        yield heard
    finally:
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)
        thread.join(30)
        loop.close()


async def _serve(server: str, authority: str, heard: Overhearing, told: tuple[threading.Event, list[int]]) -> None:
    connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cadata=authority))
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
    ) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
            body = await request.read()
            async with session.request(
                request.method, server + str(request.rel_url), data=body or None, headers=headers
            ) as answer:
                made = web.StreamResponse(status=answer.status)
                made.content_type = answer.content_type
                await made.prepare(request)
                parts: list[bytes] = []
                async for part in answer.content.iter_any():
                    await made.write(part)
                    parts.append(part)
                if any(f"{one}/" in request.path + "/" for one in WATCHED):
                    text = b"".join(parts).decode()
                    accept = request.headers.get("Accept", "")
                    heard.exchanges.append(Exchange(request.method, request.path, accept, answer.status, text))
                await made.write_eof()
                return made

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        told[1][0] = runner.addresses[0][1]
        told[0].set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await runner.cleanup()
