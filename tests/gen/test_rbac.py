"""The operator's rights: golden for the real table, and what no table may ever lead to."""

from collections.abc import Iterator

import pytest

from berth.controllers import TABLE
from berth.engine.controller import Controller, Table, Watch
from berth.gen.rbac import Rights, Rules, rights
from berth.names import PULL_SECRET
from berth.plan.outcome import Plan
from berth.plan.world import World
from berth.resources import CAPACITY_PROVIDER, DEPLOYMENT, NODE, POD, SERVICE, TASK_DEFINITION, TASK_DEFINITION_REVISION

READ = "get list watch"
OWN = "get list watch create patch delete"
REAL = rights(TABLE, "berth-leader")


def said(rules: Rules) -> dict[str, str]:
    """Verbs by resource, as a person compares them."""
    return {
        f"{resource}.{rule['apiGroups'][0]}".rstrip("."): " ".join(rule["verbs"])
        for rule in rules
        for resource in rule["resources"]
    }


def every_rule(granted: Rights) -> Iterator[tuple[str, str]]:
    for rules in (granted.cluster, granted.namespace, granted.shared, granted.leader):
        yield from said(rules).items()


def test_the_whole_cluster() -> None:
    assert said(REAL.cluster) == {
        "nodes": READ,
        # Deletion costs are put on the pods that are to go, just before their number is lowered. Protected pods leave
        # their Deployment, and are deleted once they are needed no more. A deployment's first task is a pod of its own.
        "pods": OWN,
        "services": OWN,
        "controllerrevisions.apps": OWN,
        "deployments.apps": OWN,
        "daemonsets.apps": OWN,
        # Lifecycle hooks of deployments.
        "jobs.batch": OWN,
        "horizontalpodautoscalers.autoscaling": OWN,
        "poddisruptionbudgets.policy": OWN,
        "capacityproviders.berth.dev": READ,
        "clusters.berth.dev": READ,
        "services.berth.dev": READ,
        "taskdefinitions.berth.dev": READ,
        # A revision outlives its TaskDefinition, and is deleted once it is old and nothing uses it.
        "taskdefinitionrevisions.berth.dev": OWN,
        "capacityproviders/status.berth.dev": "patch",
        "clusters/status.berth.dev": "patch",
        "services/status.berth.dev": "patch",
        "taskdefinitions/status.berth.dev": "patch",
        "taskdefinitionrevisions/status.berth.dev": "patch",
        "services/finalizers.berth.dev": "update",
        # A provider with a targetCapacity below 100 owns the Deployment of its placeholders.
        "capacityproviders/finalizers.berth.dev": "update",
        # What the admission policy asks of whoever names a role; its author was asked before.
        "taskroles.berth.dev": "use",
        "events.events.k8s.io": "create",
    }


def test_what_options_add() -> None:
    """Rights that nobody has unless the platform file asks for them."""
    assert {option: said(rules) for option, rules in REAL.options.items()} == {
        "external-secrets": {
            "taskdefinitionrevisions/finalizers.berth.dev": "update",
            "externalsecrets.external-secrets.io": OWN,
        },
        # A NodePool outlives its provider, and is deleted once no task needs it.
        "karpenter": {"nodepools.karpenter.sh": OWN},
        "gateway-api": {
            "httproutes.gateway.networking.k8s.io": OWN,
            "tcproutes.gateway.networking.k8s.io": OWN,
            "udproutes.gateway.networking.k8s.io": OWN,
        },
        "ingresses": {"ingresses.networking.k8s.io": OWN},
        "network-policies": {"networkpolicies.networking.k8s.io": OWN},
        "service-accounts": {"serviceaccounts": "get list watch create patch"},
        "ecr": {"secrets": OWN},
        # Metadata is what is asked for; RBAC knows no smaller right. No list: that would show all there are.
        "secret-changes": {"secrets": "get", "configmaps": "get"},
    }


def test_of_secrets_only_our_own_is_read_or_written() -> None:
    (rule,) = REAL.options["ecr"]
    assert rule["resources"] == ["secrets"]
    assert rule["resourceNames"] == [PULL_SECRET]


def test_a_list_of_namespaces() -> None:
    """Providers and nodes are read; their status is the cluster-wide operator's."""
    assert said(REAL.shared) == {"nodes": READ, "capacityproviders.berth.dev": READ}
    whole = said(REAL.cluster)
    shared = {
        "nodes",
        "capacityproviders.berth.dev",
        "capacityproviders/status.berth.dev",
        "capacityproviders/finalizers.berth.dev",
    }
    assert said(REAL.namespace) == {key: verbs for key, verbs in whole.items() if key not in shared}


def test_the_lease_is_the_only_one() -> None:
    assert REAL.leader == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "update"]}
        | {"resourceNames": ["berth-leader"]},
    ]


def test_no_more_than_that() -> None:
    for resource, verbs in every_rule(REAL):
        assert "*" not in resource
        assert "*" not in verbs
        assert resource.split(".")[0] not in {"secrets", "configmaps", "serviceaccounts", "namespaces", "pods/exec"}
        assert not {"impersonate", "escalate", "bind", "deletecollection"} & set(verbs.split())


def nothing(_: World) -> Plan:
    return Plan(children=None)


ROW = Controller(SERVICE, nothing)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(ROW, {"services.berth.dev": READ, "services/status.berth.dev": "patch"}, id="bare"),
        pytest.param(Controller(SERVICE, nothing, writes_status=False), {"services.berth.dev": READ}, id="no status"),
        pytest.param(
            Controller(SERVICE, nothing, owns=(DEPLOYMENT,), writes_status=False),
            {"services.berth.dev": READ, "services/finalizers.berth.dev": "update", "deployments.apps": OWN},
            id="owns",
        ),
        pytest.param(
            Controller(TASK_DEFINITION, nothing, makes=(TASK_DEFINITION_REVISION,), writes_status=False),
            {"taskdefinitions.berth.dev": READ, "taskdefinitionrevisions.berth.dev": "create patch"},
            id="makes",
        ),
        pytest.param(
            Controller(CAPACITY_PROVIDER, nothing, reads=(NODE,), writes_status=False),
            {"capacityproviders.berth.dev": READ, "nodes": READ},
            id="reads",
        ),
        pytest.param(
            Controller(CAPACITY_PROVIDER, nothing, marks=(POD,), writes_status=False),
            {"capacityproviders.berth.dev": READ, "pods": "patch"},
            id="marks",
        ),
    ],
)
def test_what_a_row_needs(row: Controller, expected: dict[str, str]) -> None:
    granted = said(rights(Table((row,), ()), "lease").cluster)
    assert granted.pop("events.events.k8s.io") == "create"
    assert granted == expected


def test_what_is_watched_is_read() -> None:
    table = Table((), (Watch(DEPLOYMENT, keep=lambda body: body),))
    assert said(rights(table, "lease").cluster)["deployments.apps"] == READ
