"""The controllers' table -> the least that the operator may do."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from berth.engine.controller import Table
from berth.resources import EVENT, LEASE, TASK_DEFINITION_REVISION, TASK_ROLE, Resource

Rules = list[dict[str, Any]]

READ = frozenset({"get", "list", "watch"})
# Server-side apply creates with create and patch; deletes carry preconditions.
OWN = frozenset({"create", "patch", "delete"})
LOOK = frozenset({"get"})
MAKE = frozenset({"create", "patch"})
MARK = frozenset({"patch"})
TAKE = frozenset({"create", "patch", "delete"})
# The order in which people write verbs.
VERBS = ("use", "get", "list", "watch", "create", "update", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Rights:
    """The rules of each role."""

    cluster: Rules
    """ClusterRole of an operator that serves the whole cluster."""
    namespace: Rules
    """Role in each namespace of an operator that serves a list of namespaces."""
    shared: Rules
    """ClusterRole of that operator: what has no namespace, to read."""
    leader: Rules
    """Role in the operator's own namespace: the Lease that replicas compete for."""
    options: dict[str, Rules]
    """What each option of the table adds to the first two."""


def rights(table: Table, lease_name: str) -> Rights:
    granted = _granted(table.using(()))
    namespaced = {key: verbs for key, verbs in granted.items() if key[0].namespaced}
    shared = {key: READ for key, verbs in granted.items() if not key[0].namespaced and verbs >= READ}
    return Rights(
        cluster=_rules(granted, table),
        namespace=_rules(namespaced, table),
        shared=_rules(shared, table),
        leader=[
            # Creation cannot be limited to a name: the name is not known when it is authorized.
            _rule(LEASE.group, [LEASE.plural], {"create"}),
            {**_rule(LEASE.group, [LEASE.plural], {"get", "update"}), "resourceNames": [lease_name]},
        ],
        options=dict(sorted((_of_watches(table, granted) | _of_looks(table)).items())),
    )


def _of_watches(table: Table, granted: "Granted") -> dict[str, Rules]:
    return {option: _rules(_added(table, option, granted), table) for option in _options(table)}


def _of_looks(table: Table) -> dict[str, Rules]:
    """What is looked at by name is not listed: who may list may read all there is at once."""
    looks = {option: [one for one in table.polled if one.option == option] for option in _asked_of(table)}
    return {option: _rules({(one.resource, ""): LOOK for one in ones}, table) for option, ones in looks.items()}


def _asked_of(table: Table) -> list[str]:
    return sorted({watch.option for watch in table.polled})


def _options(table: Table) -> list[str]:
    return sorted({watch.option for watch in table.watches if watch.option})


def _added(table: Table, option: str, granted: "Granted") -> "Granted":
    """The verbs that an option needs beyond those that every operator has."""
    whole = _granted(table.using(table.optional((option,))))
    beyond = {key: verbs - granted.get(key, frozenset()) for key, verbs in whole.items()}
    return {key: verbs for key, verbs in beyond.items() if verbs}


Granted = dict[tuple[Resource, str], frozenset[str]]


def _granted(table: Table) -> Granted:
    """Verbs by kind and subresource."""
    verbs: defaultdict[tuple[Resource, str], frozenset[str]] = defaultdict(frozenset)
    for watch in table.watches:
        verbs[watch.resource, ""] |= READ
    for row in table.controllers:
        verbs[row.resource, ""] |= READ
        if row.writes_status:
            verbs[row.resource, "status"] |= {"patch"}
        if row.ends:
            verbs[row.resource, ""] |= {"delete"}
        if row.owns:
            # Owner references block the owner's deletion, which OwnerReferencesPermissionEnforcement guards.
            verbs[row.resource, "finalizers"] |= {"update"}
        needed = ((row.reads, READ), (row.owns, READ | OWN), (row.makes, MAKE), (row.marks, MARK), (row.takes, TAKE))
        for resources, allowed in needed:
            for resource in resources:
                verbs[resource, ""] |= allowed
    verbs[EVENT, ""] |= {"create"}
    # Revisions carry the roles of their TaskDefinitions, whose authors the admission policy has asked about already.
    if any(row.resource == TASK_DEFINITION_REVISION for row in table.controllers):
        verbs[TASK_ROLE, ""] |= {"use"}
    return dict(verbs)


def _rules(granted: Granted, table: Table) -> Rules:
    """One rule for all resources of a group that have the same verbs, in a fixed order; one for each limited name."""
    limits = {watch.resource: watch.named for watch in table.watches if watch.named}
    together: defaultdict[tuple[str, str, frozenset[str]], set[str]] = defaultdict(set)
    for (resource, subresource), verbs in granted.items():
        plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
        together[resource.group, limits.get(resource, ""), verbs].add(plural)
    rules = [
        {**_rule(group, plurals, verbs), **({"resourceNames": [name]} if name else {})}
        for (group, name, verbs), plurals in together.items()
    ]
    return sorted(rules, key=lambda rule: (rule["apiGroups"], rule["resources"]))


def _rule(group: str, resources: Iterable[str], verbs: Iterable[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": sorted(resources), "verbs": sorted(verbs, key=VERBS.index)}
