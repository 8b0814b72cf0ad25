"""berth run says what is wrong with its surroundings in a sentence, never in a traceback."""

import os
import subprocess
import sys
from pathlib import Path


def _run(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BERTH_", "KUBE"))}
    return subprocess.run(
        [sys.executable, "-m", "berth", "run"],
        env={**kept, "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def test_without_a_cluster_it_says_so(tmp_path: Path) -> None:
    done = _run(tmp_path, KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "no cluster to talk to" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named_as_the_user_wrote_it(tmp_path: Path) -> None:
    done = _run(tmp_path, BERTH_WORKERS="0", BERTH_NAMESPACE="shop")
    assert done.returncode == 2
    assert "BERTH_WORKERS" in done.stderr
    assert "BERTH_NAMESPACE" in done.stderr
    assert "Traceback" not in done.stderr
