"""make faults: all plans, a table by oracle, and for each that fails the command that replays it alone."""

# ruff: noqa: T201  # a command's result goes to stdout

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from faults.catalogue import ORACLES, every
from faults.plans import Plan

SHOWN = 12


@dataclass
class Row:
    """One line of the table."""

    plans: int = 0
    failed: int = 0
    seconds: float = 0.0
    shown: list[str] = field(default_factory=list[str])


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--plan", default="", help="replay one plan, or all whose name starts so")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="print the names of all plans")
    options = parser.parse_args()
    plans = list(every(options.plan))
    if options.list:
        print("\n".join(plan.name for plan in plans))
        return 0
    if not plans:
        print(f"no plan is called {options.plan}", file=sys.stderr)
        return 2
    rows = judged(plans, options.jobs)
    return report(rows)


_PLANS: list[Plan] = []


def judged(plans: list[Plan], jobs: int) -> dict[str, Row]:
    """Run the plans, on all processors; forked workers know the references already."""
    rows: dict[str, Row] = {}
    _PLANS[:] = plans
    chunk = max(1, min(50, len(plans) // (4 * jobs)))
    if jobs == 1 or len(plans) < 20:
        _take(rows, (_one(index) for index in range(len(plans))))
    else:
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            _take(rows, pool.imap(_one, range(len(plans)), chunk))
    return rows


def _take(rows: dict[str, Row], results: Iterable[tuple[int, list[str], float]]) -> None:
    for index, found, seconds in results:
        plan = _PLANS[index]
        row = rows.setdefault(plan.oracle, Row())
        row.plans += 1
        row.seconds += seconds
        if found:
            row.failed += 1
            if row.failed <= SHOWN:
                print(f"\n{plan.name}: {len(found)} differences; replay: make faults PLAN={plan.name}")
                print("\n".join(f"  {one}" for one in found[:SHOWN]), flush=True)
        elif sys.stderr.isatty():
            print(f"\r{plan.name:70}", end="", file=sys.stderr, flush=True)


def _one(index: int) -> tuple[int, list[str], float]:
    started = time.perf_counter()
    try:
        found = _PLANS[index].check()
    except Exception as error:  # noqa: BLE001  # a plan that breaks is a difference, and the others go on
        found = [f"the plan itself broke: {error!r}"]
    return index, found, time.perf_counter() - started


def report(rows: dict[str, Row]) -> int:
    print(f"\n{'oracle':8}{'what goes wrong':42}{'plans':>7}{'differ':>8}{'seconds':>9}")
    for oracle, row in sorted(rows.items(), key=lambda item: int(item[0][1:])):
        print(f"{oracle:8}{ORACLES.get(oracle, ''):42}{row.plans:>7}{row.failed:>8}{row.seconds:>9.1f}")
    plans, failed = sum(row.plans for row in rows.values()), sum(row.failed for row in rows.values())
    print(f"{plans} plans, {failed} differences")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
