"""`make bench`: one JSON line per figure on stdout, progress on stderr."""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path

from bench import measures, rollout, scene
from bench.client import Client
from bench.figures import Figure
from bench.process import Process
from bench.processor import Processors
from berth.lab import Lab
from berth.lab.progress import step


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Speed and cost of the operator on a real API server.")
    parser.add_argument("--n", type=int, default=1000, help="how many Services (1000)")
    parser.add_argument("--rounds", type=int, default=2, help="how often floor and operator take turns (2)")
    parser.add_argument(
        "--only",
        choices=("converge", "rebalance", "rollout", "all"),
        default="all",
        help="the first figures, or one of the last two",
    )
    asked = parser.parse_args()
    name = f"bench-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        if asked.only != "rollout":
            with scene.quiet_lab(name) as lab:
                asyncio.run(_run(lab, Path(folder), asked))
        if asked.only in {"rollout", "all"}:
            with rollout.busy_lab(name) as lab:
                asyncio.run(_roll(lab, Path(folder)))


async def _run(lab: Lab, folder: Path, asked: argparse.Namespace) -> None:
    with _operator(lab, folder / "berth.log") as process:
        async with Client(lab, scene.FLOOR) as floor, Client(lab, scene.PEOPLE) as people:
            bench = measures.Bench(lab, floor, people, process, Processors(lab.name), asked.n)
            async for figure in _figures(bench, asked):
                _print(figure, asked.n)


async def _roll(lab: Lab, folder: Path) -> None:
    with _operator(lab, folder / "rollout.log") as process:
        async with Client(lab, scene.PEOPLE) as people:
            for figure in await rollout.rollout(lab, people, process):
                _print(figure, 1)


def _print(figure: Figure, count: int) -> None:
    sys.stdout.write(figure.line(count) + "\n")
    sys.stdout.flush()


@contextmanager
def _operator(lab: Lab, log: Path) -> Generator[Process]:
    """One that a figure may start; what it said last is shown where the figure fails."""
    process = Process(scene.kubeconfig(lab), log, _free_port())
    try:
        yield process
    except BaseException:
        sys.stderr.write("the operator's last words:\n" + "\n".join(log.read_text().splitlines()[-20:]) + "\n")
        raise
    finally:
        process.stop()


async def _figures(bench: measures.Bench, asked: argparse.Namespace) -> AsyncIterator[Figure]:
    with step("Namespaces, providers and task definitions"):
        await scene.furnish(bench.lab, bench.people)
        await measures.settle(bench)
    if asked.only == "rebalance":
        await measures.one_converge(bench)
        yield await measures.rebalance(bench)
        return
    for one in await measures.converge(bench, asked.rounds):
        yield one
    yield measures.memory(bench, "after converging")
    if asked.only == "converge":
        return
    yield await measures.restart(bench)
    for one in await measures.idle(bench):
        yield one
    for one in await measures.change(bench):
        yield one
    yield measures.memory(bench, "at the end")
    yield await measures.rebalance(bench)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


main()
