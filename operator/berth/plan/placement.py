"""Where a capacity provider's tasks may run: what it adds to a task's template."""

from berth import names
from berth.api.capacity_provider import CapacityProviderSpec, Toleration
from berth.plan.affinity import REQUIRED, with_affinity
from berth.plan.eks_fargate import guaranteed
from berth.plan.outcome import Json
from berth.plan.preset import pool_of

# Karpenter reads the one, the cluster autoscaler the other.
PROTECTED = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}


def placement(name: str, provider: CapacityProviderSpec | None) -> Json:
    """What brings a provider's tasks to its nodes; nothing for tasks that run on any node."""
    if provider is None:
        return {}
    pool = pool_of(name, provider)
    if pool.profile is not None:
        return {"guaranteed": True, **({"labels": dict(sorted(pool.profile.items()))} if pool.profile else {})}
    made: Json = {}
    if pool.labels:
        made["nodeSelector"] = dict(sorted(pool.labels.items()))
    if pool.expressions:
        terms = [{"key": key, "operator": operator, "values": [*values]} for key, operator, values in pool.expressions]
        made["affinity"] = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": terms}]}}}
    if pool.tolerations:
        made["tolerations"] = [_toleration(toleration) for toleration in pool.tolerations]
    if provider.managed_termination_protection == "ENABLED":
        made["annotations"] = dict(PROTECTED)
    return made


def placed(template: Json, provider: str, where: Json, slot: str = names.FIRST_SLOT) -> Json:
    """A frozen template on a provider's nodes."""
    own = template["metadata"]["labels"]
    labels = {**where.get("labels", {}), **own, **selector_labels(own, provider, slot)}
    spec: Json = guaranteed(template["spec"]) if where.get("guaranteed") else dict(template["spec"])
    if selector := {**where.get("nodeSelector", {}), **spec.get("nodeSelector", {})}:
        # What the task can run on at all, and where the provider's tasks run.
        spec["nodeSelector"] = dict(sorted(selector.items()))
    spec = with_affinity(spec, where.get("affinity", {}))
    if "topologySpreadConstraints" in where:
        spec["topologySpreadConstraints"] = where["topologySpreadConstraints"]
    if "tolerations" in where:
        spec["tolerations"] = [*spec.get("tolerations", []), *where["tolerations"]]
    metadata = {**template["metadata"], "labels": labels}
    if "annotations" in where:
        metadata["annotations"] = {**metadata.get("annotations", {}), **where["annotations"]}
    return {"metadata": metadata, "spec": spec}


def selector_labels(labels: Json, provider: str, slot: str) -> Json:
    """The labels that tell a Deployment's pods from all others; selectors are immutable, so nothing else is in them."""
    return {
        names.SERVICE: labels[names.SERVICE],
        names.CAPACITY_PROVIDER: provider or names.ANY_NODE,
        names.SLOT: slot,
    }


def _toleration(toleration: Toleration) -> Json:
    """Spelled out as the API server stores it, without what is empty."""
    return {key: value for key, value in toleration.model_dump(by_alias=True).items() if value}
