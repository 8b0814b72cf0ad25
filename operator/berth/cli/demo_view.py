"""What the demo sees of the cluster, and how it shows it."""

import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from berth import names
from berth.lab import Lab, LabError
from berth.lab.progress import Report

PATIENCE = 120.0
PAUSE = 0.2
OURS = "services.berth.dev,taskdefinitions.berth.dev,taskdefinitionrevisions.berth.dev"


@dataclass(frozen=True, slots=True)
class Task:
    """A pod, the provider that it was made for, and the pool of the node that it sits on."""

    name: str
    provider: str
    node: str
    pool: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Where the tasks are."""

    tasks: tuple[Task, ...]
    split: dict[str, int]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The lab's cluster, through its own kubectl."""

    lab: Lab
    name: str

    def kubectl(self, *arguments: str) -> str:
        return self.lab.kubectl("-n", self.name, *arguments).stdout

    def objects(self, kind: str) -> list[dict[str, Any]]:
        return list(json.loads(self.kubectl("get", kind, "-o", "json"))["items"])

    def namespace(self) -> None:
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}}
        self.lab.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def apply(self, folder: Path, *, namespaced: bool = False) -> None:
        self.lab.kubectl(*(["-n", self.name] if namespaced else []), "apply", "-f", str(folder))

    def wait_ready(self, total: int, report: Report) -> Seen:
        """Wait for what `kubectl wait --for=condition=Ready` waits for, and say on the way how far it is."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            service = json.loads(self.kubectl("get", "ecssvc", "web", "-o", "json"))
            status = service["status"]
            ready = {one["type"]: one for one in status.get("conditions", [])}.get("Ready", {})
            fresh = status.get("observedGeneration") == service["metadata"]["generation"]
            report(f"{status.get('runningCount', 0)} of {total} tasks run ({ready.get('message', 'not seen yet')})")
            if fresh and ready.get("status") == "True" and status["desiredCount"] == total:
                return self.seen()
            time.sleep(PAUSE)
        raise LabError(f"the Service was not ready after {PATIENCE:.0f} s")

    def seen(self) -> Seen:
        nodes = {one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in self.objects("nodes")}
        tasks = tuple(
            Task(
                pod["metadata"]["name"],
                pod["metadata"]["labels"][names.CAPACITY_PROVIDER],
                pod["spec"].get("nodeName", ""),
                nodes.get(pod["spec"].get("nodeName", ""), {}).get(names.CAPACITY_PROVIDER, ""),
            )
            for pod in self.objects("pods")
            if "deletionTimestamp" not in pod["metadata"]
        )
        return Seen(tasks, dict(Counter(task.provider for task in tasks)))

    def clean(self) -> None:
        self.lab.kubectl("delete", "namespace", self.name, "--wait=true", "--timeout=180s")
        self.lab.kubectl("delete", "cprov", "fargate", "fargate-spot", "ec2")

    def left_over(self) -> list[str]:
        kinds = f"{OURS},deployments,controllerrevisions,horizontalpodautoscalers"
        found = json.loads(self.lab.kubectl("get", kinds, "-A", "-o", "json").stdout)["items"]
        return [f"{one['kind']}/{one['metadata']['name']}" for one in found]


def show(console: Console, cluster: Cluster, title: str) -> None:
    """The ECS objects, the Deployments per provider, and the nodes they sit on."""
    console.rule(title)
    console.print("$ kubectl get ecs", style="bold")
    console.print(cluster.kubectl("get", "ecs").rstrip(), highlight=False, soft_wrap=True)
    console.print("\n$ kubectl get deployments", style="bold")
    console.print(cluster.kubectl("get", "deployments").rstrip(), highlight=False, soft_wrap=True)
    table = Table("Node", "Pool", "Tasks", title="Where the scheduler put the tasks", title_justify="left")
    seen = Counter((task.pool, task.node) for task in cluster.seen().tasks)
    for (pool, node), count in sorted(seen.items()):
        table.add_row(node, pool, str(count))
    console.print()
    console.print(table)
