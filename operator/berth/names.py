"""Every name, label and annotation that Berth derives, within Kubernetes' limits."""

import hashlib
import re
from typing import Final

from berth.resources import GROUP

NAME_LIMIT = 63
HASH_LENGTH = 8

FIELD_MANAGER = "berth"

MANAGED_BY = "app.kubernetes.io/managed-by"
APP_NAME = "app.kubernetes.io/name"
CLUSTER = f"{GROUP}/cluster"
SERVICE = f"{GROUP}/service"
FAMILY = f"{GROUP}/family"
TASK_DEFINITION = f"{GROUP}/task-definition"
CAPACITY_PROVIDER = f"{GROUP}/capacity-provider"
SLOT = f"{GROUP}/slot"
FIRST_SLOT: Final = "a"
SECOND_SLOT: Final = "b"
"""Tasks run in the first as long as nobody asks for two sets of them."""
HOOK = f"{GROUP}/lifecycle-hook"
"""Label of the tasks of lifecycle hooks, and of their Jobs: the Service whose deployments they belong to."""
NETWORK = f"{GROUP}/network"
"""Label of tasks that a NetworkPolicy is for: `none` for those without a network."""
HEADROOM = f"{GROUP}/headroom"
"""Label of placeholder pods: the provider that they keep room on."""

SECURITY_GROUP = f"security-group.{GROUP}"
"""Prefix of labels of tasks: the security groups that they are in."""

REVISION = f"{GROUP}/revision"
"""Annotation: the revision that a pod runs, as `web:7`."""
DEPLOYMENT = f"{GROUP}/deployment"
"""Annotation: the name of the deployment record that an object was made from."""

PULL_SECRET = "berth-ecr"  # noqa: S105  # a name
"""The Secret with ECR's tokens, in each namespace that pulls with it: one name, so that rights can name it."""
TOKENS = f"{GROUP}/tokens"
"""Annotation: when the token of each registry in a pull secret was issued, and when it expires."""

TAGS = f"{GROUP}/tags"
"""Annotation: the tags of a task definition, as JSON."""
DOCKER_LABELS = f"docker-labels.{GROUP}"
LOG_CONFIGURATION = f"log-configuration.{GROUP}"
"""Prefixes of annotations by container: what only an agent on the node can use, as JSON."""

FALLBACK = f"{GROUP}/fallback"
"""Annotation: how many tasks of this Deployment's provider run on its fallback, as JSON."""
REBALANCE = f"{GROUP}/rebalance"
"""Annotation of a Service: each new value asks once for the exact split."""

PROTECT_UNTIL = f"{GROUP}/protect-until"
"""Annotation of a task: until when neither scale-in nor a deployment stops it."""
DETACHED = f"{GROUP}/detached"
"""Annotation: the tasks that a Deployment let go of, and for which its count was lowered; their names, by commas."""

FIRST_TASK = f"{GROUP}/first-task"
"""Annotation of the task that runs before all others of its deployment, to tell what tags stand for."""

STOP_DEPLOYMENT = f"{GROUP}/stop-deployment"
"""Annotation of a Service: `rollback` or `abort` ends the deployment that is under way, once."""

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""Annotation: which of a ReplicaSet's ready pods go first when their number is lowered; others write it, too."""

ANY_NODE = "any"
"""The capacity-provider label of tasks that run on any node."""


def short(text: str) -> str:
    """A hash for the end of a name that had to be cut."""
    return hashlib.blake2b(text.encode(), digest_size=HASH_LENGTH // 2).hexdigest()


def joined(*parts: str, limit: int = NAME_LIMIT) -> str:
    """The parts joined by dashes; what is too long is cut and made unique by a hash."""
    name = "-".join(part for part in parts if part)
    if len(name) <= limit:
        return name
    return f"{name[: limit - HASH_LENGTH - 1].rstrip('-')}-{short(name)}"


def dns_label(text: str, limit: int = NAME_LIMIT) -> str:
    """A DNS label for any of ECS's names; one that had to change ends in a hash, so that two never meet."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if plain == text and len(text) <= limit:
        return text
    return f"{plain[: limit - HASH_LENGTH - 1].rstrip('-') or 'x'}-{short(text)}"


def label_value(text: str) -> str:
    """A label value for any of ECS's names."""
    if len(text) <= NAME_LIMIT and re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", text):
        return text
    return dns_label(text)


def revision(task_definition: str, number: int) -> str:
    """The object's name of a revision: `web-7` for web:7."""
    return f"{task_definition}-{number}"


def service_labels(service: str) -> dict[str, str]:
    """The labels of what belongs to a Service and is no task."""
    return {MANAGED_BY: FIELD_MANAGER, APP_NAME: service, SERVICE: service}


def security_group(identity: str) -> str:
    """The label of tasks in a security group."""
    return f"{SECURITY_GROUP}/{dns_label(identity)}"


def deployment_record(service: str, number: int) -> str:
    """The ControllerRevision that holds what a deployment of a Service runs."""
    return f"{service}-deployment-{number}"


def other_slot(slot: str) -> str:
    """There are two, and deployments that start a second set of tasks take turns."""
    return SECOND_SLOT if slot == FIRST_SLOT else FIRST_SLOT


def of_slot(name: str, slot: str) -> str:
    """A workload's name: two dashes, so that it is never that of another provider's tasks in the first slot."""
    return name if slot == FIRST_SLOT else joined(name, f"-{slot}")


def green(service: str) -> str:
    """The core Service that leads to the tasks of a new deployment before the Service's own does."""
    return joined(service, "-green")


def provider(name: str) -> str:
    """FARGATE and FARGATE_SPOT, ECS's built-in capacity providers, are `fargate` and `fargate-spot` here."""
    return name.lower().replace("_", "-")
