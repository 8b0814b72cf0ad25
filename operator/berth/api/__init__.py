"""What a user writes: one file per ECS concept, in ECS's own names."""

from berth.api.capacity_provider import CAPACITY_PROVIDER
from berth.api.cluster import CLUSTER
from berth.api.service import SERVICE
from berth.api.task_definition import TASK_DEFINITION
from berth.api.task_definition_revision import TASK_DEFINITION_REVISION

KINDS = (CAPACITY_PROVIDER, CLUSTER, SERVICE, TASK_DEFINITION, TASK_DEFINITION_REVISION)
