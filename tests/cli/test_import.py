"""berth import, render and explain as a shell runs them: what goes where, and with which exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

GOOD: dict[str, Any] = {
    "family": "web",
    "containerDefinitions": [{"name": "web", "image": "shop/web@sha256:" + "0" * 64, "memory": 64}],
}
REFUSED = {**GOOD, "proxyConfiguration": {"type": "APPMESH"}}


def _berth(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "berth", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=180)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "good.json"
    file.write_text(json.dumps(GOOD))
    return file


@pytest.fixture
def refused(tmp_path: Path) -> Path:
    file = tmp_path / "refused.json"
    file.write_text(json.dumps(REFUSED))
    return file


def test_everything_has_its_place(good: Path) -> None:
    done = _berth("import", str(good))
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["kind"] == "TaskDefinition"
    assert str(good) in done.stderr


def test_a_refused_field_is_3_and_prints_nothing(refused: Path) -> None:
    done = _berth("import", str(refused))
    assert (done.returncode, done.stdout) == (3, "")
    assert "proxyConfiguration.type" in done.stderr


def test_the_rest_is_written_when_asked_for(refused: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = _berth("import", str(refused), "--allow-unsupported", "-o", "json", "--report", str(report))
    assert done.returncode == 3
    printed = json.loads(done.stdout)
    assert (printed["kind"], len(printed["items"])) == ("List", 1)
    rows = json.loads(report.read_text())
    assert {frozenset(row) for row in rows} == {frozenset({"file", "path", "verdict", "becomes", "note"})}
    assert {row["path"]: row["verdict"] for row in rows}["proxyConfiguration.type"] == "refused"


def test_what_is_not_of_ecs_is_2(tmp_path: Path, good: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"family": "web",\n')
    done = _berth("import", str(good), str(broken))
    assert (done.returncode, done.stdout) == (2, "")
    assert "broken.json:2" in done.stderr
    assert _berth("import", str(tmp_path / "none.json")).returncode == 2
    assert _berth("import", str(tmp_path)).returncode == 2


def test_a_file_that_is_not_there_does_not_hide_the_others(tmp_path: Path, good: Path) -> None:
    config = tmp_path / "ecspresso.yml"
    config.write_text("service: web\nservice_definition: sd.jsonnet\ntask_definition: good.json\n")
    report = tmp_path / "report.json"
    done = _berth("import", str(config), str(tmp_path / "none.json"), "--allow-unsupported", "--report", str(report))
    assert done.returncode == 2
    assert "sd.jsonnet, which " in done.stderr
    assert "none.json: No such file" in done.stderr
    assert yaml.safe_load(done.stdout)["kind"] == "TaskDefinition"
    assert str(good) in {row["file"] for row in json.loads(report.read_text())}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("hea", "healthCheck"),
        ("containerDefinitions.heal", "containerDefinitions.healthCheck"),
        ("portMappings.host", "portMappings.hostPort"),
    ],
)
def test_a_shell_completes_fields(typed: str, completed: str) -> None:
    words = {"_BERTH_COMPLETE": "complete_bash", "COMP_WORDS": f"berth explain {typed}", "COMP_CWORD": "2"}
    command = [str(Path(sys.executable).parent / "berth")]
    done = subprocess.run(
        command, env={**os.environ, **words}, capture_output=True, text=True, check=False, timeout=180
    )
    assert completed in done.stdout.split()


@pytest.mark.parametrize("command", ["import", "render", "explain"])
def test_help_has_exit_statuses_and_examples(command: str) -> None:
    shown = _berth(command, "--help").stdout
    assert "Exit status" in shown
    assert f"berth {command} " in shown.partition("Examples")[2]


def test_standard_input_and_a_configuration_of_ecspresso() -> None:
    assert _berth("import", "-", stdin=json.dumps(GOOD)).returncode == 0
    config = Path(__file__).parent.parent / "importer" / "cases" / "ecspresso" / "ecspresso.yml"
    done = _berth("import", str(config), "--allow-unsupported")
    assert [one["kind"] for one in yaml.safe_load_all(done.stdout)] == ["Service", "TaskDefinition"]


def test_what_was_imported_renders(good: Path) -> None:
    imported = _berth("import", str(good)).stdout
    done = _berth("render", "-", "-o", "json", stdin=imported)
    assert done.returncode == 0, done.stderr
    assert [one["kind"] for one in json.loads(done.stdout)["items"]] == ["TaskDefinitionRevision"]


def test_a_part_that_stands_twice_is_written_twice() -> None:
    container = {**GOOD["containerDefinitions"][0], "healthCheck": {"command": ["CMD", "true"]}}
    imported = _berth("import", "-", stdin=json.dumps({**GOOD, "containerDefinitions": [container]})).stdout
    web = "---\n{apiVersion: berth.dev/v1alpha1, kind: Service, metadata: {name: web}, spec: {taskDefinition: web}}\n"
    done = _berth("render", "-", stdin=imported + web)
    assert "livenessProbe:" in done.stdout, done.stderr
    # Anchors and aliases are for machines.
    assert "&id" not in done.stdout


def test_what_is_blocked_is_3_and_what_is_no_manifest_2(good: Path) -> None:
    body = {"apiVersion": "berth.dev/v1alpha1", "kind": "Service", "metadata": {"name": "web"}}
    done = _berth("render", "-", stdin=json.dumps({**body, "spec": {"taskDefinition": "web"}}))
    assert done.returncode == 3
    assert "TaskDefinitionNotFound" in done.stderr
    assert _berth("render", str(good)).returncode == 2
    assert _berth("render", "-", stdin="{").returncode == 2


def test_a_field_is_explained_and_an_unknown_one_has_neighbours() -> None:
    done = _berth("explain", "containerDefinitions.cpu")
    assert done.returncode == 0
    assert "exact" in done.stdout
    unknown = _berth("explain", "containerDefinition")
    assert unknown.returncode == 1
    assert "berth explain containerDefinitions" in unknown.stderr
