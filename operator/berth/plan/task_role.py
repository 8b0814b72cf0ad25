"""taskRoleArn and executionRoleArn: who a task is."""

import re
from dataclasses import dataclass, field

from berth import names
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan.outcome import Blocked, Child
from berth.plan.place import Place, unmapped, unsupported
from berth.plan.translation import Translation
from berth.resources import SERVICE_ACCOUNT

TRANSLATIONS = (
    Translation(
        "taskRoleArn",
        "Close",
        "serviceAccountName",
        "the task runs as the ServiceAccount that stands for the role; what that may do is for the cloud to say",
    ),
    Translation(
        "executionRoleArn",
        "LeftOut",
        "nothing in the pod",
        "images are pulled by the node's role or with a pull secret, such as the one that the operator keeps for ECR, "
        "and secrets are fetched by the platform's secret store, each with an identity of its own",
    ),
)

ROLE = re.compile(r"arn:[^:]+:iam::[0-9]*:role/(.+)")
IRSA = "eks.amazonaws.com/role-arn"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a task is in the cluster."""

    service_account: str = ""
    token: bool = False
    pod_labels: dict[str, str] = field(default_factory=dict[str, str])


def identity(spec: TaskDefinitionRevisionSpec, place: Place) -> Identity | Blocked:
    """The ServiceAccount of a task; nobody without a role."""
    role = spec.task_role_arn
    if not role:
        return Identity()
    roles = place.platform.task_roles
    if known := roles.mapped.get(role):
        return Identity(known.service_account, known.token, known.pod_labels)
    if not roles.irsa:
        what = f"the role {role} is not mapped to a ServiceAccount"
        return unmapped("taskRoleArn", what, f'taskRoles.mapped: {{"{role}": {{serviceAccount: NAME}}}}')
    if not ROLE.fullmatch(role):
        return unsupported(
            "taskRoleArn",
            f"{role} is no role's ARN, which a ServiceAccount on EKS needs; write arn:aws:iam::ACCOUNT:role/NAME",
        )
    return Identity(service_account_name(role))


def service_account_name(role: str) -> str:
    """One ServiceAccount for a role in each namespace; the role's trust policy names it."""
    name = role.rpartition("/")[2]
    return names.joined("task-role", names.dns_label(name.lower(), 40), names.short(role))


def service_account(spec: TaskDefinitionRevisionSpec, place: Place) -> list[Child]:
    """The ServiceAccount of a role that the platform has not mapped; all definitions with the role share it."""
    role = spec.task_role_arn
    if not role or role in place.platform.task_roles.mapped:
        return []
    labels = {names.MANAGED_BY: names.FIELD_MANAGER}
    manifest = {
        "metadata": {"labels": labels, "annotations": {IRSA: role}},
        "automountServiceAccountToken": False,
    }
    return [Child(SERVICE_ACCOUNT, service_account_name(role), manifest, outlives=True)]
