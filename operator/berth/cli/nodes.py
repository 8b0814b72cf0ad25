"""berth nodes: gives nodes to a capacity provider of preset plain, and takes them back."""

import asyncio
import sys
from typing import Annotated

import typer

app = typer.Typer(name="nodes", help="Nodes of capacity providers.", no_args_is_help=True)


@app.callback()
def nodes() -> None:
    """Nodes of capacity providers (the current context of your kubeconfig)."""


@app.command()
def label(
    node: Annotated[list[str], typer.Argument(help="Names of nodes.", metavar="NODE")],
    provider: Annotated[str, typer.Option(help="The CapacityProvider, of preset plain.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the nodes back.")] = False,  # noqa: FBT002  # an option
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also nodes of other providers.")] = False,  # noqa: FBT002
) -> None:
    """Label and taint nodes with berth.dev/capacity-provider=NAME, or take both off.

    The label lets tasks of the provider find the node, the taint (NoSchedule) keeps other pods away.
    Pods that run there already stay. Nodes that come and go get both from their pool: docs/capacity.md.

    Exit status: 0, or 1 when a node could not be changed (the others are).
    """
    from berth.cli.label_nodes import label_nodes  # noqa: PLC0415  # the other commands need no HTTP

    sys.exit(asyncio.run(label_nodes(node, provider, remove=remove, overwrite=overwrite)))
