"""What a platform team says once of alarms: where alerts are read."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from berth.platform_part import Name, Part

Server = Annotated[str, Field(pattern="^https?://[^/?#@]+(/[^?#@]*)?$", max_length=253)]


class Alarms(Part):
    """deploymentConfiguration.alarms: one server that knows which alerts fire."""

    prometheus: Server | None = None
    """The URL of Prometheus, or of what answers like it (Thanos, Mimir): it also tells when there is no such alert."""
    alertmanager: Server | None = None
    """Or the URL of Alertmanager: silenced and inhibited alerts count as not firing there."""
    namespace_label: Annotated[str, Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=63)] = "namespace"
    """The label of alerts that names the namespace whose Services they are for."""
    token_file: Name | None = None
    """A file with a bearer token, read anew each time; only for https."""
    ca_file: Name | None = None
    """A file with the certificates that the server's is checked against; left out, the system's."""
    interval_seconds: Annotated[int, Field(ge=1, le=300)] = 15
    """How often alerts are read while a deployment under way asks for them."""

    @property
    def url(self) -> str:
        return str(self.prometheus or self.alertmanager).rstrip("/")

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if (self.prometheus is None) == (self.alertmanager is None):
            raise ValueError("alarms: name one server, prometheus or alertmanager")
        if self.token_file is not None and not self.url.startswith("https://"):
            raise ValueError("alarms: a token goes over https alone: give an https URL, or leave tokenFile out")
        return self
