"""What a cluster gets before Envoy Gateway starts: Gateway API's kinds, its own, and one class of Gateways."""

import subprocess
from pathlib import Path

import yaml

from berth.lab import toolchain
from berth.lab.api import Api
from berth.lab.build import environment
from berth.lab.modules import ENVOY_GATEWAY

CLASS = "envoy"
_CLASSES = "/apis/gateway.networking.k8s.io/v1/gatewayclasses"
_CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def add_kinds(api: Api) -> None:
    """Make Gateway API's kinds known, in the version that Envoy Gateway was built with."""
    for path in sorted((_unpacked("sigs.k8s.io/gateway-api") / "config" / "crd" / "standard").glob("*.yaml")):
        for definition in filter(None, yaml.safe_load_all(path.read_text())):
            if definition["kind"] == "CustomResourceDefinition":
                api.create(_DEFINITIONS, definition)


def served(api: Api) -> bool:
    """Say whether the API server serves them yet."""
    return api.answers(_CLASSES)


def add_class(api: Api) -> None:
    """Make the class `envoy`, as a platform team would."""
    group = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass"}
    api.create(_CLASSES, {**group, "metadata": {"name": CLASS}, "spec": {"controllerName": _CONTROLLER}})


def _unpacked(module: str) -> Path:
    """Return where the sources of a module are that Envoy Gateway was built from."""
    command = [str(toolchain.go()), "list", "-m", "-f", "{{.Dir}}", module]
    folder = subprocess.run(
        command, cwd=ENVOY_GATEWAY.sources, env=environment(), capture_output=True, text=True, check=True
    ).stdout
    return Path(folder.strip())
