"""All commands in one parser."""

from importlib.metadata import version as installed

import typer

from berth.cli import demo, explain, import_files, lab, nodes, render

app = typer.Typer(
    name="berth",
    help="Amazon ECS's resources on any Kubernetes cluster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(lab.app)
app.add_typer(nodes.app)
app.command("demo")(demo.demo)
app.command("explain", help=explain.HELP)(explain.explain)
app.command("import", help=import_files.HELP)(import_files.import_)
app.command("render", help=render.HELP)(render.render)


@app.command()
def run() -> None:
    """Run the operator; settings are the environment variables BERTH_*."""
    from berth.cli.run import run as run_operator  # noqa: PLC0415  # the other commands need no kopf

    run_operator()


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(installed("berth"))
