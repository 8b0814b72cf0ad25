"""`python -m berth.gen` writes every generated file; with --check it shows what it would change and exits 1."""

import argparse
import sys
from pathlib import Path

from berth.gen.outputs import drift, write

ROOT = Path(__file__).parents[3]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m berth.gen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; show a diff and exit 1 on drift")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args(arguments)
    if not options.check:
        for path in write(options.root):
            sys.stderr.write(f"wrote {path}\n")
        return 0
    found = drift(options.root)
    sys.stdout.write(found)
    if found:
        sys.stderr.write('Generated files are out of date: run "make generate" and commit what it writes.\n')
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
