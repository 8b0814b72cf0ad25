"""Every manifest that a document or an example shows is one that the API server takes, strictly.

On a cluster of their own: an apply is merged into what other tests have left under the same names.
"""

import re
from pathlib import Path

import pytest

from support.cluster import ROOT, Cluster

BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "examples").rglob("*.yaml"))


def _accepted(own_lab: Cluster, manifests: str) -> None:
    own_lab.kubectl("apply", "--dry-run=server", "--validate=strict", "-n", "default", "-f", "-", stdin=manifests)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_manifests_in_documents_are_accepted(own_lab: Cluster, name: str) -> None:
    for block in BLOCK.findall((ROOT / name).read_text()):
        if "apiVersion:" in block:
            _accepted(own_lab, block)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_accepted(own_lab: Cluster, name: str) -> None:
    assert Path(name).suffix == ".yaml"
    _accepted(own_lab, (ROOT / name).read_text())
