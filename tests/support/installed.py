"""Berth in a cluster in the three ways that people install it, and each with what it has to choose from."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from berth.lab import Lab
from support import audit
from support.cluster import ROOT, Cluster
from support.lab_name import lab_name

Json = dict[str, Any]
SYSTEM = "berth-system"
FORBIDDEN = 403
WAYS = ("kustomize", "helm", "helm-namespaced")
HELM_NAMESPACED = WAYS[-1]


@dataclass(frozen=True, slots=True)
class Choices:
    """What an installation is asked for beside what all have."""

    options: str
    """For kustomize: a file of deploy/options, or the whole folder where it is empty."""
    values: Json
    """For Helm: values of the chart, each as JSON."""
    namespaces: tuple[str, ...] = ("shop",)
    """They are made, and where Berth is installed for namespaces, these are its own."""

    def watched(self, way: str) -> str:
        """The operator's setting."""
        return ",".join(self.namespaces) if way == HELM_NAMESPACED else ""


@contextmanager
def installed(request: pytest.FixtureRequest, way: str, choices: Choices) -> Generator[Lab]:
    """A lab of its own with an installation, whose operator the test runs."""
    if request.config.getoption("--cluster") != "lab":
        pytest.skip("installs and removes CRDs, so it takes a lab of its own: --cluster lab")
    with Lab(lab_name(), nodes="kwok:3", tie_to_parent=True) as lab:
        for namespace in choices.namespaces:
            lab.kubectl("create", "namespace", namespace)
        if way == "kustomize":
            lab.kubectl("apply", "--server-side", "-k", str(ROOT / "deploy"))
            lab.kubectl("apply", "--server-side", "-f", str(ROOT / "deploy" / "options" / choices.options))
        else:
            lab.helm("install", "berth", str(ROOT / "charts" / "berth"), *_flags(way, choices))
        Cluster(lab.kubeconfig, lab).wait_kinds()
        yield lab


def forbidden(lab: Lab) -> list[audit.Request]:
    """What the operator asked for without the right to it."""
    ours = f"system:serviceaccount:{SYSTEM}:berth"
    return [one for one in audit.requests(lab.audit_log) if one.user == ours and one.code == FORBIDDEN]


def _flags(way: str, choices: Choices) -> list[str]:
    own: Json = {"rbac.scope": "namespaced", "watchNamespaces": choices.namespaces} if way == HELM_NAMESPACED else {}
    values = {**choices.values, **own}
    flags = [part for key, value in values.items() for part in ("--set-json", f"{key}={json.dumps(value)}")]
    return ["--namespace", SYSTEM, "--create-namespace", *flags]
