"""KWOK nodes in a cluster that is not a lab: kind, or the current context."""

import json
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from berth.lab import pools, tool
from support.waiting import eventually


@contextmanager
def simulated_nodes(kubeconfig: Path, count: int) -> Generator[None]:
    """Nodes of every pool, played by KWOK for as long as the tests run; real nodes are left alone."""
    kubectl = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}"]
    manifests = pools.manifests(pools.plan(count))
    existing = subprocess.run([*kubectl, "get", "nodes", "-o", "name"], capture_output=True, text=True, check=True)
    new = [one for one in manifests if f"node/{one['metadata']['name']}" not in existing.stdout.split()]
    with tempfile.TemporaryDirectory() as folder:
        stages = subprocess.run([str(tool("cluster")), "kwok-stages"], capture_output=True, text=True, check=True)
        config = Path(folder) / "stages.yaml"
        config.write_text(stages.stdout)
        # A cluster that has these nodes already is a lab: it has a KWOK of its own.
        player = _kwok(kubeconfig, config) if new else None
        try:
            _apply(kubectl, new)
            eventually(lambda: _all_ready(kubectl), what="all nodes are ready")
            yield
        finally:
            for one in new:
                subprocess.run([*kubectl, "delete", "node", one["metadata"]["name"], "--wait=false"], check=False)
            if player:
                player.terminate()
                player.wait(30)


def _kwok(kubeconfig: Path, config: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            str(tool("kwok")),
            f"--kubeconfig={kubeconfig}",
            f"--config={config}",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _apply(kubectl: list[str], manifests: list[dict[str, object]]) -> None:
    if manifests:
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        subprocess.run([*kubectl, "apply", "-f", "-"], input=body, text=True, capture_output=True, check=True)


def _all_ready(kubectl: list[str]) -> bool:
    query = "{.items[*].status.conditions[?(@.type=='Ready')].status}"
    done = subprocess.run(
        [*kubectl, "get", "nodes", "-o", f"jsonpath={query}"], capture_output=True, text=True, check=True
    )
    return bool(done.stdout) and set(done.stdout.split()) == {"True"}
