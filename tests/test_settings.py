"""Settings come from the environment, and a typo is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from berth.settings import Settings


def test_the_environment_is_read() -> None:
    settings = Settings.from_environment({"BERTH_NAMESPACES": "shop, api", "BERTH_WORKERS": "4", "PATH": "/bin"})
    assert settings.namespaces == ("shop", "api")
    assert settings.workers == 4


def test_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="worker\n"):
        Settings.from_environment({"BERTH_WORKER": "4"})


def test_the_lab_may_share_the_prefix() -> None:
    assert Settings.from_environment({"BERTH_CACHE": "/tmp", "BERTH_STATE": "x"}) == Settings()  # noqa: S108


def test_the_platform_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("taskRoles: {irsa: true}\nstorage: {fileSystems: {fs-1: {claim: files}}}\n")
    platform = Settings.from_environment({"BERTH_PLATFORM_FILE": str(file)}).platform
    assert platform.storage.file_systems["fs-1"].claim == "files"
    assert platform.options == {"service-accounts"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("taskRoles: {isra: true}", r"platform\.taskRoles\.isra\n  Extra inputs are not permitted"),
        ("storage: {fileSystems: {fs-1: {}}}", r"platform\.storage\.fileSystems\.fs-1\.claim\n  Field required"),
        ("network: {targetGroups: {web: {}}}", r"targetGroups\.web\n  .*either application or network"),
        (
            "network: {targetGroups: {web: {application: {gateway: a, redirects: [{path: /a, listener: b, to: c}]}}}}",
            r"targetGroups\.web\n  .*no such key: application\.redirects\[0\]\.to",
        ),
        ("a: [", "the platform file is no YAML"),
    ],
)
def test_a_mistake_in_the_platform_file_is_refused_by_its_place(text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text(text)
    with pytest.raises(ValidationError, match=problem):
        Settings.from_environment({"BERTH_PLATFORM_FILE": str(file)})


def test_a_platform_file_that_is_missing_is_told() -> None:
    with pytest.raises(ValidationError, match=r"cannot read /nowhere/platform\.yaml: No such file"):
        Settings.from_environment({"BERTH_PLATFORM_FILE": "/nowhere/platform.yaml"})


def test_an_empty_platform_file_asks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("")
    assert Settings.from_environment({"BERTH_PLATFORM_FILE": str(file)}).platform == Settings().platform
