"""Times as Kubernetes writes them: whole seconds of UTC."""

from datetime import UTC, datetime

FORM = "%Y-%m-%dT%H:%M:%SZ"


def moment(text: str) -> datetime:
    return datetime.strptime(text, FORM).replace(tzinfo=UTC)


def written(time: datetime) -> str:
    return time.strftime(FORM)
