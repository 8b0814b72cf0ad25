"""Files that people keep, spoilt in every way: never a traceback, and every leaf is told once all the same."""

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from berth.api import KINDS
from berth.importer.read import decoded, documents
from berth.importer.run import import_files
from berth.importer.shapes import is_list, is_object
from berth.render.admission import admitted
from importer.leaves import unaccounted

HERE = Path(__file__).parent / "cases"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
INPUTS = sorted(path for path in (*HERE.glob("*/*"), *CORPUS.glob("*/*.json")) if path.name != "expected.yaml")
SPEC = {kind.kind: kind for kind in KINDS}

_values: list[Any] = [
    None, True, 0, -1, 10**17, 1.5, "", " ", "x", "${X}", "{{ x }}", "<X>", "256", "0", "Ünï/cödé", "a" * 300, [], {},
    [None], [[]], [{}], {"a": {}}, {"Ref": "X"}, {"Fn::If": ["A", {"Name": "a"}, [1]]}, {"Fn::Sub": "${X}"},
    {"Ref": "AWS::NoValue"}, "\ud800", "x\n- y: z",
]  # fmt: skip
_odd = st.sampled_from(_values)
_words = st.sampled_from(
    ["name", "Name", "image", "family", "value", "serviceName", "taskDefinition", "x", "Ref", "Fn::If", "services", ""]
)


def _places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [at] if at else []
    members = value.items() if is_object(value) else enumerate(value) if is_list(value) else ()
    return found + [place for key, one in members for place in _places(one, (*at, key))]


def _spoilt(document: Any, draw: st.DrawFn) -> Any:
    places = _places(document)
    if not places:
        return document
    *way, last = draw(st.sampled_from(places))
    holder: Any = document
    for part in way:
        holder = holder[part]
    match draw(st.integers(0, 5)):
        case 0:
            del holder[last]
        case 1:
            holder[last] = copy.deepcopy(draw(_odd))
        case 2:
            holder[last] = [holder[last]] if draw(st.booleans()) else {draw(_words): holder[last]}
        case 3 if isinstance(last, int):
            holder.append(copy.deepcopy(holder[last]))
        case 4 if isinstance(last, str):
            holder[draw(_words)] = holder.pop(last)
        case _:
            holder[last] = str(holder[last])
    return document


@st.composite
def _spoilt_files(draw: st.DrawFn) -> Any:
    document = documents(decoded(draw(st.sampled_from(INPUTS)).read_bytes()))[0]
    for _ in range(draw(st.integers(1, 6))):
        document = _spoilt(document, draw)
    return document


@settings(max_examples=200, deadline=None)
@given(_spoilt_files())
def test_a_spoilt_file_is_told_leaf_by_leaf(document: Any) -> None:
    text = json.dumps(document)
    result = import_files([("web.json", text.encode())])[0]
    if result.error:
        assert (len(result.rows), result.manifests) == (1, [])
        return
    assert unaccounted(documents(text)[0], [row.path for row in result.rows]) == []
    for manifest in result.manifests:
        assert admitted(manifest, SPEC[manifest["kind"]])[1] == []


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(INPUTS), st.data())
def test_a_torn_file_is_read_or_named(file: Path, data: st.DataObject) -> None:
    text = decoded(file.read_bytes())
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 40, len(text))))
    torn = (
        text[:start]
        + data.draw(st.sampled_from(["", "{", "]", ",", '"', "\\", "{{ x }}", "\t", "#", "\n---\n", "&a ", "!If "]))
        + text[end:]
    )
    result = import_files([("web.json", torn.encode())])[0]
    assert result.rows or result.manifests or result.error
