"""berth lab: a real Kubernetes cluster on this machine."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from berth.lab import Lab, LabError, LabOptions, build, real_nodes_unavailable
from berth.lab.install import install_packages
from berth.lab.modules import PEERS
from berth.lab.progress import step
from berth.lab.state import LabState

app = typer.Typer(
    name="lab",
    help="A real Kubernetes cluster on this machine, built from source once; several can run side by side.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Option("--name", help="Which lab.", envvar="BERTH_LAB")]
Nodes = Annotated[
    str,
    typer.Option(
        "--nodes", help="kwok:N for N simulated nodes, none, or real (real:2) for a node (two) with real containers."
    ),
]
Peers = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        help="A further program: karpenter, which makes simulated nodes as pods ask for them, "
        "or envoy-gateway, which answers routes in their statuses.",
    ),
]


def _known(peers: list[str] | None) -> set[str]:
    """Return the further programs, each known."""
    unknown = {*(peers or ())} - PEERS.keys()
    if unknown:
        raise LabError(f"--with takes {' or '.join(PEERS)}, not {', '.join(sorted(unknown))}")
    return {*(peers or ())}


@contextmanager
def _refusals() -> Generator[None]:
    """Show a person why the lab refuses, without a traceback."""
    try:
        yield
    except LabError as error:
        Console(stderr=True).print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


@app.command()
def up(
    name: Name = "lab",
    nodes: Nodes = "kwok:20",
    peers: Peers = None,
    *,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Let simulated pods use CPU and memory, for kubectl top and autoscaling.")
    ] = False,
) -> None:
    """Start a lab; it runs until `berth lab down`."""
    with _refusals():
        wanted = _known(peers)
        options = LabOptions(metrics=metrics, karpenter="karpenter" in wanted, envoy_gateway="envoy-gateway" in wanted)
        build()
        running = next((state for state in Lab.all() if state.name == name and state.alive), None)
        if running and running.ready and running.nodes == nodes and running.options == options:
            print(Lab.existing(name).kubeconfig)
            return
        with step(f"Starting the lab {name}"):
            lab = Lab(name, nodes=nodes, options=options).up()
        print(lab.kubeconfig)


@app.command()
def down(
    name: Name = "lab", *, everything: Annotated[bool, typer.Option("--all", help="End all labs.")] = False
) -> None:
    """End a lab and remove all it left."""
    with _refusals():
        chosen = [state.name for state in Lab.all()] if everything else [name]
        for one in chosen:
            Lab.remove(one)


@app.command()
def status(
    name: Annotated[str | None, typer.Option("--name", help="Only this lab, with its components.")] = None,
) -> None:
    """List the labs, or the components of one."""
    with _refusals():
        if name is None:
            _table(["NAME", "STATUS", "NODES", "SERVER"], map(_row, Lab.all()))
        else:
            _table(["COMPONENT", "STATUS"], sorted(Lab.existing(name).components().items()))


@app.command()
def kubeconfig(name: Name = "lab", user: Annotated[str, typer.Option(help="admin, alice or bob.")] = "admin") -> None:
    """Print the path of a lab's kubeconfig: export KUBECONFIG=$(berth lab kubeconfig)."""
    with _refusals():
        print(Lab.existing(name).kubeconfig_for(user))


@app.command("build")
def build_(peers: Peers = None) -> None:
    """Build Kubernetes, KWOK, Helm and the other programs, and print the folder that holds them."""
    with _refusals():
        wanted = _known(peers)
        print(build())
        for name in PEERS:
            if name in wanted:
                print(build(PEERS[name]))


@app.command()
def nodes(name: Name = "lab") -> None:
    """List a lab's nodes with their pools, taints and what runs there."""
    with _refusals():
        _table(["NODE", "POOL", "ZONE", "READY", "TAINTS", "PODS"], Lab.existing(name).node_rows())


@app.command("install-packages")
def install() -> None:
    """Install the Debian packages of real nodes, where this is Debian and you are root."""
    with _refusals():
        install_packages()
        reason = real_nodes_unavailable()
    print(f"real nodes cannot run here: {reason}" if reason else "real nodes can run here")


def _row(state: LabState) -> tuple[str, ...]:
    condition = ("ready" if state.ready else "starting") if state.alive else "dead"
    return (state.name, condition, state.nodes, state.server)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
