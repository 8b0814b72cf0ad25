"""What a document is: a task definition, services, a template, a configuration, or nothing of ECS."""

from collections.abc import Iterator
from typing import Any

from berth.fields import calls
from berth.importer.cloudformation import is_template
from berth.importer.cluster_documents import describes, is_built_in, is_cluster, is_provider, kind_of
from berth.importer.elsewhere import described
from berth.importer.manifests import DEFAULT_CLUSTER
from berth.importer.parts import Aside, Kind, NotEcsError, Part
from berth.importer.report import joined
from berth.importer.shapes import is_list, is_object
from berth.importer.template_parts import template_parts
from berth.importer.tree import leaves

Json = dict[str, Any]

SERVICE_WORDS = frozenset(
    {"servicename", "servicearn", "desiredcount", "deploymentconfiguration", "schedulingstrategy", "loadbalancers"}
)
HINTS = frozenset(
    {"taskdefinition", "launchtype", "networkconfiguration", "capacityproviderstrategy", "deploymentcontroller"}
)
OTHER_CALLS = frozenset({"overrides", "startedby", "containeroverrides", "count"})
Wrapper = tuple[str, Kind]
WRAPPERS: tuple[Wrapper, ...] = (
    ("taskdefinition", "task_definition"),
    ("service", "service"),
    ("cluster", "cluster"),
    ("capacityprovider", "capacity_provider"),
)
LISTS: tuple[Wrapper, ...] = (
    ("taskdefinitions", "task_definition"),
    ("services", "service"),
    ("clusters", "cluster"),
    ("capacityproviders", "capacity_provider"),
)
BUILT_IN = "AWS's own provider: the platform has CapacityProviders fargate and fargate-spot of its own."


def parts(document: Any, name: str) -> Iterator[Part | Aside]:
    """The definitions of a document. `name` is for those that have none, from the name of the file."""
    if is_list(document):
        yield from _items(document, name)
    elif not is_object(document):
        raise NotEcsError("holds a single value, no definition of ECS")
    elif is_template(document):
        yield from template_parts(document)
    elif is_object(body := document.get("TemplateBody")) and is_template(body):
        # What `aws cloudformation get-template` prints.
        for part in template_parts(body):
            yield part.below("TemplateBody")
        for key in document:
            if key != "TemplateBody":
                yield from _beside(document[key], key, "printed beside the template")
    else:
        yield from _object(document, name)


def _items(items: list[Any], name: str) -> Iterator[Part | Aside]:
    """A list of definitions, or the containers alone, as Terraform and `--container-definitions` take them."""
    objects = [item for item in items if is_object(item)]
    if any(map(_runs, objects)) and all(_lower(one).keys() & {"name", "image"} for one in objects):
        yield Part("task_definition", {"containerDefinitions": items}, "", name, bare=True)
        return
    if not items:
        raise NotEcsError("is an empty list")
    for index, item in enumerate(items):
        if not is_object(item):
            raise NotEcsError(f"[{index}] is no definition of ECS")
        for part in _object(item, f"{name}-{index}"):
            yield part.below(f"[{index}]")


def _runs(container: Json) -> bool:
    keys = _lower(container)
    return "image" in keys and "containerdefinitions" not in keys


def _object(document: Json, name: str) -> Iterator[Part | Aside]:
    keys = _lower(document)
    wrapped: list[Wrapper] = [
        (keys[one], kind) for one, kind in WRAPPERS if one in keys and _wraps(document[keys[one]], kind)
    ]
    listed: list[Wrapper] = [
        (keys[one], kind) for one, kind in LISTS if one in keys and _lists(document[keys[one]], kind, keys)
    ]
    if wrapped or listed:
        yield from _wrapped(document, wrapped, listed, name)
    elif keys.keys() >= {"apiversion", "kind"}:
        raise NotEcsError("is a Kubernetes manifest already: `berth render` shows what becomes of it")
    elif "containerdefinitions" in keys or ("family" in keys and not keys.keys() & SERVICE_WORDS):
        yield Part("task_definition", document, "", name)
    elif _is_service(keys):
        yield Part("service", document, "", name)
    elif (kind := kind_of(keys)) is not None and not keys.keys() & OTHER_CALLS:
        # AWS itself calls a cluster without a name default.
        yield Part(kind, document, "", name if kind == "capacity_provider" else DEFAULT_CLUSTER, named=True)
    elif keys.keys() >= {"name", "image"} and keys.keys() <= _container_fields():
        yield Part("task_definition", {"containerDefinitions": document}, "", name, bare=True)
    else:
        raise NotEcsError(described(document))


def _wraps(value: Any, kind: Kind) -> bool:
    if kind == "cluster":
        return is_cluster(value)
    return is_provider(value) if kind == "capacity_provider" else is_object(value)


def _lists(value: Any, kind: Kind, around: dict[str, str]) -> bool:
    return describes(value, kind, around) if kind in {"cluster", "capacity_provider"} else is_list(value)


def _is_service(keys: dict[str, str]) -> bool:
    """By a word that only services have, or as update-service and ecspresso have it: by two of their fields."""
    if keys.keys() & OTHER_CALLS:
        return False
    known = calls()["create_service"].children("").keys() | {"service"}
    return bool(keys.keys() & SERVICE_WORDS) or (bool(keys.keys() & HINTS) and len(keys.keys() & known) > 1)


def _container_fields() -> frozenset[str]:
    return frozenset(calls()["register_task_definition"].children("containerDefinitions[]"))


def _wrapped(document: Json, objects: list[Wrapper], lists: list[Wrapper], name: str) -> Iterator[Part | Aside]:
    """describe-task-definition prints its tags beside the definition."""
    for wrapper, kind in objects:
        yield Part(kind, document[wrapper], wrapper, name)
    for wrapper, kind in lists:
        if not document[wrapper] and not objects and len(lists) == 1:
            raise NotEcsError(f"{wrapper} is empty: there is nothing to import{_failure(document)}")
        for index, one in enumerate(document[wrapper]):
            at = joined(wrapper, index)
            if kind == "capacity_provider" and is_built_in(one):
                yield from _beside(one, at, BUILT_IN)
            else:
                yield Part(kind, one, at, f"{name}-{index}")
    taken = {wrapper for wrapper, _ in (*objects, *lists)}
    for key in document:
        if key not in taken or document[key] == []:
            note = "printed beside the definition" + ("; tags stay in AWS" if key.lower() == "tags" else "")
            yield from _beside(document[key], key, note)


def _failure(document: Json) -> str:
    """describe-services lists what it did not find."""
    failures = document.get("failures")
    found = [one for one in failures if is_object(one)] if is_list(failures) else []
    return "".join(f"; {one.get('arn', 'one')} is {one.get('reason', 'missing')}" for one in found[:1])


def _beside(value: Any, at: str, note: str) -> Iterator[Aside]:
    for place in leaves(value):
        path = at
        for part in place:
            path = joined(path, part)
        yield Aside(path, note)


def _lower(document: Json) -> dict[str, str]:
    return {key.lower(): key for key in document}
