"""The fault suite as tests: one for each oracle. `make faults` runs every plan; here the long oracles take some."""

import os

import pytest

from faults.__main__ import judged
from faults.catalogue import ORACLES, every

MOST = 100
"""Plans of one oracle that `make test` runs; of more, it takes every so manieth."""


@pytest.mark.parametrize("oracle", ORACLES)
def test_no_plan_differs_from_the_run_without_faults(oracle: str, capsys: pytest.CaptureFixture[str]) -> None:
    plans = list(every(f"{oracle}/"))
    assert plans, f"{oracle} has no plan"
    rows = judged(plans[:: 1 + (len(plans) - 1) // MOST], os.cpu_count() or 1)
    assert not rows[oracle].failed, capsys.readouterr().out
