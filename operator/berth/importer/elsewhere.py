"""What a document is that is no definition of ECS, and what to do instead: a refusal that leads on."""

from pathlib import PurePath
from typing import Any

from berth.importer.shapes import is_object

Json = dict[str, Any]
BY_SUFFIX = {
    ".tf": "is Terraform's: import what it made, `aws ecs describe-task-definition` and `describe-services`",
    ".tfvars": "is Terraform's: import what it made, `aws ecs describe-task-definition` and `describe-services`",
    ".jsonnet": "is Jsonnet: render it first (`ecspresso render`, `jsonnet`)",
    ".libsonnet": "is Jsonnet: render it first (`ecspresso render`, `jsonnet`)",
}
RUN_TASK = "is an input of run-task, for which Berth has no kind yet"
SIGNS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"overrides"}), RUN_TASK),
    (frozenset({"startedby"}), RUN_TASK),
    (frozenset({"containeroverrides"}), RUN_TASK),
    (frozenset({"taskdefinition", "count"}), RUN_TASK),
    (frozenset({"tasks", "failures"}), "lists running tasks: import the task definition that they name"),
    (frozenset({"taskdefinitionarns"}), "lists names only: `aws ecs describe-task-definition` prints a definition"),
    (frozenset({"servicearns"}), "lists names only: `aws ecs describe-services` prints services"),
    (frozenset({"clusterarns"}), "lists names only: `aws ecs describe-clusters` prints clusters"),
    (frozenset({"name", "imageuri"}), "lists images for CodePipeline: import the task definition beside it"),
    (frozenset({"name", "type", "image"}), "is Copilot's manifest: import the template of `copilot svc package`"),
    (frozenset({"jobs", "on"}), "is a workflow of GitHub: import the task definition that it names"),
    (frozenset({"version", "phases"}), "is CodeBuild's: import the task definition that it names"),
    (
        frozenset({"version", "task_definition"}),
        "is of ecs-cli: import what it made, `aws ecs describe-task-definition`",
    ),
    (frozenset({"planned_values"}), BY_SUFFIX[".tf"]),
    (frozenset({"terraform_version"}), BY_SUFFIX[".tf"]),
    (frozenset({"resource"}), BY_SUFFIX[".tf"]),
)


def by_name(file: str) -> str:
    """What the file's name says of it; empty when nothing."""
    return BY_SUFFIX.get(PurePath(file).suffix.lower(), "")


def described(document: Json) -> str:
    """One sentence for the person who passed it."""
    keys = {key.lower(): value for key, value in document.items()}
    if is_object(keys.get("services")):
        return "looks like a Compose file, not like a definition of ECS"
    if isinstance(keys.get("resources"), list):
        return "is CodeDeploy's AppSpec: import the task definition and the service that it names"
    said = next((said for signs, said in SIGNS if signs <= keys.keys()), "")
    shown = ", ".join(list(document)[:3]) or "nothing"
    return said or f"is no task definition and no service of ECS: it holds {shown}"
