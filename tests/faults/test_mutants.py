"""The suite tested: each seeded bug is found, by a few of the plans that are meant to find it."""

import pytest

from faults.catalogue import every
from faults.mutants import MUTANTS, Mutant
from faults.plans import Plan

MOST = 60
"""Plans that one mutant may take until it is found."""


def chosen(mutant: Mutant) -> list[Plan]:
    """A few plans of each oracle that may find the bug, spread over all of its places."""
    found: list[Plan] = []
    for prefix in mutant.oracles:
        plans = list(every(prefix))
        found += plans[:: 1 + (len(plans) - 1) * len(mutant.oracles) // MOST]
    return found


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_seeded_bug_is_found(mutant: Mutant) -> None:
    plans = chosen(mutant)
    with mutant.patch():
        assert any(plan.check() for plan in plans), f"none of {len(plans)} plans found it"
