"""The kinds of object that Berth reads and writes, as the API server addresses them."""

from dataclasses import dataclass

GROUP = "berth.dev"
VERSION = "v1alpha1"


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """One kind of object and where the API server keeps it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of the collection (over all namespaces when none is given) or of one object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            root += f"/namespaces/{namespace}"
        return f"{root}/{self.plural}/{name}" if name else f"{root}/{self.plural}"

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


SERVICE = Resource(GROUP, VERSION, "Service", "services")
TASK_DEFINITION = Resource(GROUP, VERSION, "TaskDefinition", "taskdefinitions")
TASK_DEFINITION_REVISION = Resource(GROUP, VERSION, "TaskDefinitionRevision", "taskdefinitionrevisions")
CAPACITY_PROVIDER = Resource(GROUP, VERSION, "CapacityProvider", "capacityproviders", namespaced=False)
CLUSTER = Resource(GROUP, VERSION, "Cluster", "clusters")

DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")
DAEMON_SET = Resource("apps", "v1", "DaemonSet", "daemonsets")
CONTROLLER_REVISION = Resource("apps", "v1", "ControllerRevision", "controllerrevisions")
CORE_SERVICE = Resource("", "v1", "Service", "services")
SERVICE_ACCOUNT = Resource("", "v1", "ServiceAccount", "serviceaccounts")
NETWORK_POLICY = Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
HTTP_ROUTE = Resource("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
TCP_ROUTE = Resource("gateway.networking.k8s.io", "v1", "TCPRoute", "tcproutes")
UDP_ROUTE = Resource("gateway.networking.k8s.io", "v1", "UDPRoute", "udproutes")
INGRESS = Resource("networking.k8s.io", "v1", "Ingress", "ingresses")
SECRET = Resource("", "v1", "Secret", "secrets")
SECRET_METADATA = Resource("", "v1", "SecretMetadata", "secrets")
CONFIG_MAP_METADATA = Resource("", "v1", "ConfigMapMetadata", "configmaps")
"""What may be seen of Secrets and ConfigMaps that tasks refer to: their metadata, and never what is in them."""
JOB = Resource("batch", "v1", "Job", "jobs")
EXTERNAL_SECRET = Resource("external-secrets.io", "v1", "ExternalSecret", "externalsecrets")
AUTOSCALER = Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
POD = Resource("", "v1", "Pod", "pods")
POD_DISRUPTION_BUDGET = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
NODE = Resource("", "v1", "Node", "nodes", namespaced=False)
NODE_POOL = Resource("karpenter.sh", "v1", "NodePool", "nodepools", namespaced=False)
TASK_ROLE = Resource(GROUP, VERSION, "TaskRole", "taskroles")
"""No object: RBAC grants the verb `use` on it, by the role's ARN."""
TOKEN = Resource(GROUP, VERSION, "Token", "tokens", namespaced=False)
"""No object: what plans see of a token that somebody hands out for a time, which is never the token."""
ALERT = Resource(GROUP, VERSION, "Alert", "alerts")
"""No object: what plans see of an alert that fires outside of the cluster, or does not, by its name."""
LEASE = Resource("coordination.k8s.io", "v1", "Lease", "leases")
EVENT = Resource("events.k8s.io", "v1", "Event", "events")
CUSTOM_RESOURCE_DEFINITION = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)
