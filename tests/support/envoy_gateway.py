"""Gateways of the class that the lab's Envoy Gateway answers for."""

from typing import Any

from berth.lab.envoy_gateway import CLASS
from support.gateway_api import GROUP

Json = dict[str, Any]


def gateway(*listeners: Json, namespace: str = "", name: str = "public") -> Json:
    """A Gateway; in the test's own namespace unless another is named."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    spec = {"gatewayClassName": CLASS, "listeners": [*listeners]}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Gateway", "metadata": metadata, "spec": spec}


def listener(name: str = "http", port: int = 80, protocol: str = "HTTP", *, takes: str = "Same", **more: Any) -> Json:
    """A listener, and whose routes it takes: of the same namespace, or of All."""
    return {"name": name, "port": port, "protocol": protocol, "allowedRoutes": {"namespaces": {"from": takes}}, **more}
