"""Files that others wrote, from public repositories: every field of every file is accounted for."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from berth.importer.run import Imported, import_files
from importer.leaves import paths

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
FILES = sorted(CORPUS.glob("*/*.json"))
EMPTY = {"046.json"}
"""The console's skeleton: every text in it is empty, names and images, too."""

pytestmark = pytest.mark.skipif(not FILES, reason=f"needs the corpus in {CORPUS}")


def _imported(file: Path) -> Imported:
    return import_files([(file.name, file.read_bytes())])[0]


def _id(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


@pytest.mark.parametrize("file", FILES, ids=_id)
def test_every_leaf_is_in_the_report_once(file: Path) -> None:
    result = _imported(file)
    assert not result.error
    given = Counter(paths(json.loads(file.read_bytes())))
    assert Counter(row.path for row in result.rows) == given
    for row in result.rows:
        assert row.note, row.path
        assert row.verdict in {"exact", "close", "refused", "ignored"}


@pytest.mark.parametrize("file", FILES, ids=_id)
def test_every_file_becomes_something(file: Path) -> None:
    result = _imported(file)
    assert bool(result.manifests) == (file.name not in EMPTY), result.remarks
    assert result.refused or file.name not in EMPTY


def test_the_whole_corpus_takes_less_than_two_seconds() -> None:
    contents = [(file.name, file.read_bytes()) for file in FILES]
    start = time.process_time()  # neighbours on the machine do not count
    results = import_files(contents)
    assert time.process_time() - start < 2
    assert len(results) == len(FILES) >= 81
