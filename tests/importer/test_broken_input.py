"""What cannot be read is named by its line; what is wrong inside is named by its path; nothing is a traceback."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from berth.fields import calls
from berth.importer.run import Imported, import_files
from importer.leaves import paths


def _imported(content: Any, name: str = "web.json") -> Imported:
    data = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    return import_files([(name, data if data is not None else json.dumps(content).encode())])[0]


def _task(**container: Any) -> dict[str, Any]:
    return {
        "family": "web",
        "containerDefinitions": [{"name": "web", "image": "shop/web:1", "memory": 64, **container}],
    }


def _verdicts(result: Imported) -> dict[str, str]:
    return {row.path: row.verdict for row in result.rows}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"family": "web",\n "containerDefinitions": [}\n', "web.json:2"),
        ('{"family": "web"\n\n "cpu": 1}', "web.json:3"),
        ('{"family": "web', "web.json:1"),
        ("family: web\ncpu: [1\n", "web.json:3"),
        ("", "is empty"),
        (" \n", "is empty"),
        (b"\x00\x01\xff", "is not text"),
        (b"PK\x03\x04\xfe\xfd", "web.json:1: is not text"),
        ("{{ if prod }}\n{}", "web.json"),
        ("[" * 5000, "deep"),
        ("[" * 5000 + "]" * 5000, "deep"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}, *{p}]\n"
         for p, c in zip("bcdefgh", "cdefghi", strict=True)), "more than"),
        ("!!python/object/apply:os.system [ls]", "web.json:1"),
        ("null", "is empty"),
        ('"text"', "single value"),
        ("[]", "empty list"),
        ('{"name": "left-pad", "version": "1.0.0"}', "no task definition"),
        ('{"apiVersion": "v1", "kind": "Pod"}', "berth render"),
        ('{"services": {"web": {"image": "x"}}}', "Compose"),
        ('{"cluster": "c", "taskDefinition": "web", "overrides": {}}', "run-task"),
        ('{"services": []}', "nothing to import"),
        ('{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}', "without a task definition"),
    ],
)  # fmt: skip
def test_what_is_no_definition_is_named(content: Any, said: str) -> None:
    result = _imported(content)
    assert said in result.error
    assert result.error.startswith("web.json")
    assert result.manifests == []


@pytest.mark.parametrize(
    ("container", "path", "verdict"),
    [
        ({"memory": "128"}, "containerDefinitions[0].memory", "exact"),
        ({"memory": 128.0}, "containerDefinitions[0].memory", "exact"),
        ({"memory": "a lot"}, "containerDefinitions[0].memory", "refused"),
        ({"memory": 1}, "containerDefinitions[0].memory", "refused"),
        ({"memory": None}, "containerDefinitions[0].memory", "ignored"),
        ({"memory": {"soft": 1}}, "containerDefinitions[0].memory.soft", "refused"),
        ({"memory": [128]}, "containerDefinitions[0].memory[0]", "refused"),
        ({"Memory": 128}, "containerDefinitions[0].Memory", "refused"),
        ({"memroy": 128}, "containerDefinitions[0].memroy", "refused"),
        ({"_why": "because"}, "containerDefinitions[0]._why", "ignored"),
        ({"command": "serve --all"}, "containerDefinitions[0].command", "refused"),
        ({"command": ["serve", 8080, True]}, "containerDefinitions[0].command[1]", "exact"),
        ({"portMappings": {"ContainerPort": 80}}, "containerDefinitions[0].portMappings.ContainerPort", "exact"),
        ({"portMappings": [80]}, "containerDefinitions[0].portMappings[0]", "refused"),
        ({"portMappings": "80:80"}, "containerDefinitions[0].portMappings", "refused"),
        ({"healthCheck": {"interval": 30}}, "containerDefinitions[0].healthCheck.interval", "refused"),
        ({"healthCheck": {"command": ["curl"]}}, "containerDefinitions[0].healthCheck.command[0]", "refused"),
        ({"environment": "A=B"}, "containerDefinitions[0].environment", "refused"),
        ({"environment": [{"name": "", "value": "x"}]}, "containerDefinitions[0].environment[0].value", "refused"),
        ({"essential": "yes"}, "containerDefinitions[0].essential", "close"),
        ({"image": "<IMAGE>"}, "containerDefinitions[0].image", "close"),
    ],
)
def test_each_mistake_has_its_path(container: dict[str, Any], path: str, verdict: str) -> None:
    result = _imported(_task(**container))
    assert not result.error
    assert _verdicts(result)[path] == verdict
    assert len(result.manifests) == 1


def test_of_variables_that_stand_twice_the_last_counts() -> None:
    result = _imported(_task(environment=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]))
    assert result.manifests[0]["spec"]["containerDefinitions"][0]["environment"] == [{"name": "A", "value": "2"}]
    assert _verdicts(result)["containerDefinitions[0].environment[0].value"] == "refused"


def test_a_placeholder_is_named_by_its_line() -> None:
    text = '{\n "family": "web",\n "containerDefinitions": [\n  {"name": "web",\n   "image": "shop/web:${TAG}"}]}'
    row = next(row for row in _imported(text).rows if row.path.endswith("image"))
    assert row.note.startswith("fill in ${TAG} (line 5) before you apply")


def test_a_key_that_stands_twice_is_told() -> None:
    result = _imported('{"family": "a", "family": "b", "containerDefinitions": [{"name": "web", "image": "x:1"}]}')
    assert result.manifests[0]["metadata"]["name"] == "b"
    assert any("family stands twice" in remark for remark in result.remarks)


@pytest.mark.parametrize(
    "document",
    [
        {"family": "web", "containerDefinitions": []},
        {"family": "web", "containerDefinitions": "file://web.json"},
        {"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1"}},
        {"services": [None]},
        {"services": ["web"]},
    ],
)
def test_what_lacks_too_much_is_never_a_success(document: Any) -> None:
    result = _imported(document)
    assert result.manifests == []
    assert result.refused
    assert any("not written" in remark for remark in result.remarks)


def test_text_of_windows_is_read() -> None:
    result = _imported(json.dumps(_task()).encode("utf-16"))
    assert result.manifests[0]["metadata"]["name"] == "web"


def test_one_file_of_several_may_be_broken() -> None:
    good, bad = import_files([("a.json", json.dumps(_task()).encode()), ("b.json", b"{")])
    assert good.manifests
    assert bad.error.startswith("b.json:1")


_words = sorted({field.name for call in calls().values() for field in call.fields.values()})
_keys = st.sampled_from(_words) | st.text(max_size=8)
_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=12)
    | st.sampled_from(["FARGATE", "awsvpc", "${X}", "{{ x }}", "<IMAGE>", "256", "1 vCPU", "a:1", "tcp", "CMD-SHELL"])
)  # fmt: skip
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=5))
_containers = st.lists(st.dictionaries(_keys, _values, max_size=6), max_size=3)
_documents = st.dictionaries(_keys, _values, max_size=6).flatmap(
    lambda rest: _containers.map(lambda containers: {**rest, "containerDefinitions": containers})
)


@settings(max_examples=150, deadline=None)
@given(_documents | _values)
def test_no_json_is_a_traceback(document: Any) -> None:
    result = _imported(document)
    if not result.error:
        assert Counter(row.path for row in result.rows) == Counter(paths(_as_read(document)))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(_keys, _values, max_size=8))
def test_no_service_is_a_traceback(document: dict[str, Any]) -> None:
    result = _imported({**document, "desiredCount": 1, "serviceName": "web"})
    json.dumps([row.shown() for row in result.rows])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\n\t #/*!&-a1$<', max_size=80).map(str.encode))
def test_no_bytes_are_a_traceback(data: bytes) -> None:
    _imported(data)


def _as_read(document: Any) -> Any:
    return json.loads(json.dumps(document), parse_constant=str)
