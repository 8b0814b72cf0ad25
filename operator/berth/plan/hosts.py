"""links and extraHosts: names in the task's /etc/hosts, which Kubernetes wants to be host names."""

import re

from berth.api.task_definition import TaskDefinitionSpec
from berth.plan.outcome import Blocked, Json

HOST_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
HERE = "127.0.0.1"


def aliases(spec: TaskDefinitionSpec) -> list[Json]:
    """The pod's hostAliases. Resolvers compare names without regard to case."""
    hosts: dict[str, list[str]] = {}
    for one in spec.container_definitions:
        for entry in one.extra_hosts or ():
            hosts.setdefault(entry.ip_address, []).append(entry.hostname.lower())
        for link in one.links or ():
            hosts.setdefault(HERE, []).append(_name(link).lower())
    return [{"ip": address, "hostnames": list(dict.fromkeys(found))} for address, found in hosts.items()]


def refused(spec: TaskDefinitionSpec) -> Blocked | None:
    """A link to nobody, or a name that no host has."""
    known = {one.name for one in spec.container_definitions}
    for index, one in enumerate(spec.container_definitions):
        field = f"containerDefinitions[{index}]"
        for link in one.links or ():
            name, _, alias = link.partition(":")
            if name not in known:
                return _fault(f"{field}.links: the task has no container {name}; name one that it has")
            if not HOST_NAME.fullmatch(_name(link).lower()):
                remedy = "choose another alias" if alias else f"give it an alias, as `{name}:{_plain(name)}`"
                return _fault(f"{field}.links: {_name(link)} is no host name on Kubernetes; {remedy}")
        for entry in one.extra_hosts or ():
            if not HOST_NAME.fullmatch(entry.hostname.lower()):
                return _fault(
                    f"{field}.extraHosts: {entry.hostname} is no host name on Kubernetes: "
                    "letters, digits, - and . are; choose another"
                )
    return None


def _name(link: str) -> str:
    name, _, alias = link.partition(":")
    return alias or name


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "other"


def _fault(message: str) -> Blocked:
    return Blocked("Unsupported", message, stalled=True)
