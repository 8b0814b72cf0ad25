"""`berth`: the door to all commands."""

import sys


def main() -> None:
    if sys.argv[1:] == ["run"]:
        # The operator's process pays no memory for a parser, tables and colours.
        from berth.cli.run import run  # noqa: PLC0415

        run()
    else:
        from berth.cli.app import app  # noqa: PLC0415

        app()


if __name__ == "__main__":
    main()
