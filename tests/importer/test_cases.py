"""Each kind of input that people keep becomes the manifests beside it: read expected.yaml as the user would."""

from pathlib import Path

import pytest
import yaml

from berth.importer.run import import_files

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


def _inputs(case: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in sorted(case.iterdir()) if path.name != "expected.yaml"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_input_becomes_its_manifests(case: Path, request: pytest.FixtureRequest) -> None:
    results = import_files(_inputs(case))
    answer = {
        "manifests": [manifest for one in results for manifest in one.manifests],
        "remarks": [remark for one in results for remark in one.remarks],
        "errors": [one.error for one in results if one.error],
    }
    text = yaml.safe_dump(answer, sort_keys=False, width=120, allow_unicode=True)
    expected = case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(text)
    assert yaml.safe_load(expected.read_text()) == yaml.safe_load(text)
