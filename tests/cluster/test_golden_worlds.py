"""Every golden world on a real API server: what is planned is accepted, and a second reconcile writes nothing."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from berth.engine.key import Key
from berth.settings import Settings
from support import external_secrets, gateway_api, karpenter
from support.cluster import ROOT, Cluster
from support.engine import StoppedAt, engine_on, hold, reconcile, writes
from support.golden import case_id, cases, load, resource_of, shown, world_of
from support.stored import OPERATOR, clean, older_crds, store

OLDER = re.compile(r"older-crd|invalid")
STAYS = re.compile(r"pull_secret/(it-stays|a-due-token-stays|two-registries|somebody-elses-secret$)")
"""The subject has no status, and is as it should be."""


@pytest.fixture(scope="module")
def still(own_lab: Cluster) -> Cluster:
    """A cluster in which nobody but us acts on what we make."""
    assert own_lab.lab is not None
    external_secrets.install(own_lab)
    gateway_api.install(own_lab)
    karpenter.install(own_lab)
    own_lab.create_namespace(OPERATOR)
    own_lab.lab.stop("kube-controller-manager")
    own_lab.lab.stop("kube-scheduler")
    own_lab.lab.stop("kwok")
    return own_lab


@pytest.fixture(scope="module")
def lenient(still: Cluster) -> Generator[Cluster]:
    """The same with CRDs that refuse nothing, for objects that an older release let in."""
    older_crds(still)
    yield still
    still.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(ROOT / "crds"))


async def _twice(cluster: Cluster, case: Path) -> tuple[int, int]:
    """The operator's writes in a first and in a second reconcile."""
    assert cluster.lab is not None
    given = load(case)
    namespace = re.sub(r"[^a-z0-9]+", "-", case_id(case))[:60].rstrip("-")
    cluster.create_namespace(namespace, takes_pods=False)
    subject = store(cluster, given, namespace)
    resource = resource_of(subject)
    key = Key(resource, namespace if resource.namespaced else "", subject["metadata"]["name"])
    try:
        settings, clock = Settings.model_validate(given.get("settings", {})), StoppedAt(world_of(given)[1].now)
        async with engine_on(cluster.kubeconfig, settings, clock) as engine:
            hold(engine, given, namespace)
            await reconcile(engine, key)
            first = writes(engine)
            await engine.list_all()
            await reconcile(engine, key)
            second = writes(engine)
        return first, second - first
    finally:
        clean(cluster, given, namespace)


def test_all_that_is_planned_is_accepted_strictly(still: Cluster) -> None:
    planned: dict[str, object] = {}
    for case in cases():
        controller, world = world_of(load(case))
        for body in shown(world, controller.plan(world))["children"] or ():
            if "namespace" in body["metadata"]:
                body["metadata"]["namespace"] = "default"
            planned[yaml.safe_dump(body)] = body
    everything = yaml.safe_dump_all(planned.values())
    done = still.kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=everything, check=False
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(planned) > len(cases()) / 2


@pytest.mark.parametrize("case", [case for case in cases() if not OLDER.search(case.name)], ids=case_id)
async def test_the_second_reconcile_writes_nothing(still: Cluster, case: Path) -> None:
    first, second = await _twice(still, case)
    assert (first > 0) == _acts(case)
    assert second == 0


def _acts(case: Path) -> bool:
    """Whether a plan asks for anything at all."""
    controller, world = world_of(load(case))
    plan = controller.plan(world)
    return bool(plan.children or plan.status or plan.ends) and not STAYS.match(case_id(case))


@pytest.mark.parametrize("case", [case for case in cases() if OLDER.search(case.name)], ids=case_id)
async def test_the_second_reconcile_writes_nothing_about_what_an_older_crd_let_in(lenient: Cluster, case: Path) -> None:
    first, second = await _twice(lenient, case)
    assert (first > 0) == _acts(case)
    assert second == 0
