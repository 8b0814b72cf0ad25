"""What a cluster gets before Karpenter starts: its kinds, and one class of simulated nodes."""

import subprocess

import yaml

from berth.lab.api import Api
from berth.lab.state import LabState

NODE_CLASSES = "/apis/karpenter.kwok.sh/v1alpha1/kwoknodeclasses"
KINDS = ("/apis/karpenter.sh/v1/nodepools", "/apis/karpenter.sh/v1/nodeclaims", NODE_CLASSES)


def add_kinds(state: LabState, api: Api) -> None:
    """Make Karpenter's kinds known, as the very build has them that will run."""
    printed = subprocess.run(
        [f"{state.karpenter}/karpenter", "crds"], capture_output=True, text=True, check=True
    ).stdout
    for definition in filter(None, yaml.safe_load_all(printed)):
        api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)


def served(api: Api) -> bool:
    """Say whether the API server serves them yet."""
    return all(map(api.answers, KINDS))


def add_node_class(api: Api) -> None:
    """Make the class `default`, as a platform team would for its cloud."""
    node_class = {"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default"}}
    api.create(NODE_CLASSES, node_class)
