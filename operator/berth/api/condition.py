"""Conditions: what people, kubectl wait, Helm, Argo CD and Flux read."""

from typing import Annotated, Literal

from pydantic import Field

from berth.api.schema import Shape


class Condition(Shape):
    """One aspect of an object's state, in the shape that all of Kubernetes uses."""

    type: Annotated[str, Field(max_length=316)]
    """Ready, Reconciling, Stalled, or a condition of the kind's own."""
    status: Literal["True", "False", "Unknown"]
    """Whether the condition holds."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """One word for machines."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """One sentence for people: what is the matter, and what to do."""
    observed_generation: int | None = None
    """The generation of the spec that this condition was computed for."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When the status last changed."""
