"""berth demo: a cluster, the operator and a Service over two capacity providers, from nothing."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from berth.api import KINDS
from berth.cli.demo_spot import fallback, interruption
from berth.cli.demo_view import Cluster, Seen, show
from berth.lab import Lab, LabError, build
from berth.lab.progress import step
from berth.plan.strategy import Share, split_over
from berth.resources import GROUP

ROOT = Path(__file__).parents[3]
NAMESPACE = "demo"
LOG = Path(tempfile.gettempdir()) / "berth-demo.log"
LAST_LINES = 20
FIRST, THEN = 4, 12
STRATEGY = (Share("fargate", 1, 1), Share("fargate-spot", 0, 3))
NODES = "kwok:20"
CRDS = tuple(f"{kind.plural}.{GROUP}" for kind in KINDS)


def demo(
    name: Annotated[str, typer.Option(help="Which lab to use; it is started if it does not run.")] = "demo",
    *,
    once: Annotated[bool, typer.Option("--once", help="Ask nothing, clean up, exit 0 only if all was seen.")] = False,
) -> None:
    """Show Berth at work on a real cluster: split tasks over Fargate and spot, scale, lose spot and regain it."""
    console = Console()
    try:
        with _lab(name) as lab, _operator(lab):
            _play(Cluster(lab, NAMESPACE), console, once=once)
    except (LabError, DemoError) as error:
        _tell_log(LOG)
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    console.print("[green]Every step was seen to work.[/]" if console.is_terminal else "Every step was seen to work.")


class DemoError(Exception):
    """A step did not lead to what it should."""


def _play(cluster: Cluster, console: Console, *, once: bool) -> None:
    with step("Applying examples/capacity-providers and examples/web"):
        cluster.apply(ROOT / "examples" / "capacity-providers")
        cluster.namespace()
        cluster.apply(ROOT / "examples" / "web", namespaced=True)
    _reach(cluster, FIRST)
    show(console, cluster, f"{FIRST} tasks: base 1 on Fargate, then 1 to 3 over Fargate and Fargate Spot")
    with step(f"Scaling the Service to {THEN} tasks"):
        cluster.kubectl("scale", "ecssvc/web", f"--replicas={THEN}")
    _reach(cluster, THEN)
    show(console, cluster, f"{THEN} tasks: the split has moved, to the task")
    interruption(cluster, console)
    fallback(cluster, console)
    if not once and sys.stdin.isatty():
        console.print(
            f"\nLook around: [bold]export KUBECONFIG={cluster.lab.kubeconfig}[/], then "
            f"[bold]kubectl -n {NAMESPACE} get ecs[/]. Press Enter to clean up."
        )
        input()
    with step("Deleting what the demo made"):
        cluster.clean()
    if left := cluster.left_over():
        raise DemoError(f"the demo left {left} behind")


def _reach(cluster: Cluster, total: int) -> None:
    """Wait until the Service is Ready with this count, then compare where its tasks are with where they should be."""
    with step(f"Waiting until {total} tasks are ready") as report:
        seen = cluster.wait_ready(total, report)
    expected = split_over(STRATEGY, total, {})
    if seen.split != expected:
        raise DemoError(f"the split of {total} tasks should be {expected} and is {seen.split}")
    if strays := _strays(seen):
        raise DemoError(f"tasks sit on nodes of another provider: {', '.join(strays)}")


def _strays(seen: Seen) -> list[str]:
    return [task.name for task in seen.tasks if task.pool != task.provider]


@contextmanager
def _lab(name: str) -> Generator[Lab]:
    """The lab of this name: one that runs is used and left running, one that does not is started and ended."""
    build()
    running = any(state.name == name and state.alive and state.ready for state in Lab.all())
    if running:
        yield Lab.existing(name)
        return
    with step(f"Starting a Kubernetes cluster with simulated nodes ({NODES})"):
        lab = Lab(name, nodes=NODES, tie_to_parent=True).up()
    try:
        yield lab
    finally:
        with step("Ending the cluster"):
            lab.down()


@contextmanager
def _operator(lab: Lab) -> Generator[None]:
    """The operator as a process beside the cluster, with the CRDs in place."""
    with step("Installing the CRDs and starting the operator"):
        lab.kubectl("apply", "--server-side", "-k", str(ROOT / "crds"))
        lab.kubectl("wait", "--for=condition=Established", "--timeout=120s", "crd", *CRDS)
    environment = {**os.environ, "KUBECONFIG": str(lab.kubeconfig), "BERTH_LEADER_ELECTION": "false"}
    environment |= {"BERTH_HEALTH_PORT": "0", "BERTH_HEALTHY_SECONDS": "0"}
    with LOG.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "berth", "run"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield
        if process.poll() is not None:
            raise DemoError(f"the operator ended with {process.returncode}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _tell_log(log: Path) -> None:
    """The operator's last words, for whom a demo failed."""
    if log.exists():
        last = "".join(log.read_text().splitlines(keepends=True)[-LAST_LINES:])
        sys.stderr.write(f"--- the operator's log, {log}:\n{last}---\n")
