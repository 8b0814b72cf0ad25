"""What becomes of other people's files on a real API server: it takes all of it, and tasks without AWS run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.api import KINDS
from berth.controllers import TABLE
from berth.importer.manifests import object_name
from berth.importer.run import import_files
from berth.render.admission import admitted
from berth.render.run import Rules, render
from berth.settings import Settings
from support.cluster import Cluster
from support.operator import Operator
from support.waiting import eventually

Json = dict[str, Any]
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
CASES = Path(__file__).parents[1] / "importer" / "cases"
FILES = sorted(CORPUS.glob("*/*.json"))
RULES = Rules(TABLE.using(()), Settings(), datetime(2026, 1, 2, tzinfo=UTC))

pytestmark = pytest.mark.skipif(not FILES, reason=f"needs the corpus in {CORPUS}")


def _namespace(file: Path) -> str:
    return object_name(f"import-{file.parent.name}-{file.stem}")


def _manifests() -> list[Json]:
    """Everything that the corpus becomes, each file in a namespace of its own."""
    made: list[Json] = []
    for file in FILES:
        for manifest in import_files([(file.name, file.read_bytes())])[0].manifests:
            manifest["metadata"]["namespace"] = _namespace(file)
            made.append(manifest)
    return made


@pytest.fixture(scope="module")
def namespaces(cluster: Cluster) -> None:
    names = [_namespace(file) for file in FILES]
    bodies = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(bodies))


def _apply(cluster: Cluster, manifests: list[Json]) -> None:
    done = cluster.kubectl(
        "apply", "--server-side", "--validate=strict", "-f", "-", stdin=yaml.safe_dump_all(manifests), check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.usefixtures("namespaces")
def test_the_api_server_takes_all_of_it_and_gives_it_the_defaults_that_render_gives(cluster: Cluster) -> None:
    manifests = _manifests()
    assert len(manifests) >= len(FILES) - 1
    _apply(cluster, manifests)
    stored = {
        (kind.kind, one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]
        for kind in KINDS
        if kind.namespaced
        for one in cluster.all(f"{kind.plural}.berth.dev")
    }
    kinds = {kind.kind: kind for kind in KINDS}
    for manifest in manifests:
        body, faults = admitted(manifest, kinds[manifest["kind"]])
        assert faults == []
        metadata = manifest["metadata"]
        assert stored[manifest["kind"], metadata["namespace"], metadata["name"]] == body["spec"]


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("case", ["cluster-stack", "clusters-described", "cluster-inputs"])
def test_the_api_server_takes_clusters_and_capacity_providers(cluster: Cluster, case: str) -> None:
    paths = [path for path in sorted((CASES / case).iterdir()) if path.name != "expected.yaml"]
    results = import_files([(path.name, path.read_bytes()) for path in paths])
    manifests = [manifest for one in results for manifest in one.manifests]
    assert {"Cluster", "CapacityProvider"} <= {one["kind"] for one in manifests}
    done = cluster.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", _namespace(FILES[0]), "-f", "-"),
        stdin=yaml.safe_dump_all(manifests),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def _runnable() -> list[tuple[Json, Json]]:
    """Task definitions, each with a Service, that the operator would not refuse: they need nothing of AWS."""
    found: list[tuple[Json, Json]] = []
    for manifest in _manifests():
        if manifest["kind"] != "TaskDefinition" or "resourceRequirements" in str(manifest):
            # The lab's nodes have no GPU.
            continue
        name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        service = {
            "apiVersion": manifest["apiVersion"],
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"taskDefinition": name, "desiredCount": 1},
        }
        if not render([manifest, service], RULES).blocked:
            found.append((manifest, service))
    return found


@pytest.mark.usefixtures("namespaces", "operator")
def test_those_that_need_no_aws_run(cluster: Cluster, operator: Operator) -> None:
    pairs = _runnable()
    assert len(pairs) >= 15
    _apply(cluster, [one for pair in pairs for one in pair])
    wanted = {(one["metadata"]["namespace"], one["metadata"]["name"]) for _, one in pairs}
    late: list[str] = []

    def all_ready() -> bool:
        late[:] = _late(cluster, wanted)
        return not late

    try:
        eventually(all_ready, within=480)
    except AssertionError as error:
        raise AssertionError(
            f"{len(late)} of {len(wanted)} do not run; see {operator.log}\n" + "\n".join(late)
        ) from error


def _late(cluster: Cluster, wanted: set[tuple[str, str]]) -> list[str]:
    """The Services that are not ready, each with what its condition says."""
    found: list[str] = []
    for one in cluster.all("services.berth.dev"):
        key = (one["metadata"]["namespace"], one["metadata"]["name"])
        conditions: list[Json] = one.get("status", {}).get("conditions") or [{"type": "Ready", "status": "?"}]
        ready = next(condition for condition in conditions if condition["type"] == "Ready")
        if key in wanted and ready["status"] != "True":
            found.append(f"{'/'.join(key)}: {ready.get('reason')}: {ready.get('message')}")
    return found
