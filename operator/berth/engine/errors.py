"""What can go wrong with a request, translated once from HTTP."""

# ruff: noqa: N818  # named as the answers are

from berth.plan.outcome import Json


class ApiError(Exception):
    """The API server refused, or could not be asked. The key that asked is tried again later."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Conflict(ApiError):
    """Somebody else was quicker, the object is another one by now, or a field belongs to another manager."""


class NotFound(ApiError):
    """No such object, or no such kind."""


class Gone(ApiError):
    """The continuation of a list, or the start of a watch, is too old."""


class Unauthorized(ApiError):
    """The credentials are not, or no longer, accepted."""


class Refused(ApiError):
    """The request can be repeated as it is only after something else has changed: rights, a quota, a policy, a rule."""


class Forbidden(Refused):
    """Not allowed: rights, a quota or an admission policy."""


class Invalid(Refused):
    """The object breaks a rule of its kind."""


class NamespaceTerminating(Forbidden):
    """Nothing can be made in a namespace that is going away."""


class Unavailable(ApiError):
    """No answer, or an error of the server's own: whether a write took place is not known."""


class TooManyRequests(ApiError):
    """The server asks for patience."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, 429)
        self.retry_after = retry_after


class WritesFenced(Exception):
    """This process may not write: it does not lead, or does not know whether it still does."""


_BY_CODE: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: Invalid,
    409: Conflict,
    410: Gone,
    413: Invalid,
    415: Invalid,
    422: Invalid,
}
_DEFAULT_RETRY_AFTER = 1.0


def error_for(code: int, status: Json, retry_after: str | None) -> ApiError:
    """The exception for an answer that is no success; `status` is the body, a metav1.Status if all is well."""
    message = str(status.get("message") or f"the API server answered {code}")
    if code == 429:  # noqa: PLR2004  # HTTP: too many requests
        return TooManyRequests(message, _seconds(retry_after))
    if code == 403 and _has_cause(status, "NamespaceTerminating"):  # noqa: PLR2004  # HTTP: forbidden
        return NamespaceTerminating(message, code)
    return _BY_CODE.get(code, Unavailable)(message, code)


def _has_cause(status: Json, reason: str) -> bool:
    details: Json = status.get("details") or {}
    causes: list[Json] = details.get("causes") or []
    return any(cause.get("reason") == reason for cause in causes)


def _seconds(text: str | None) -> float:
    try:
        return max(float(text), 0.0) if text else _DEFAULT_RETRY_AFTER
    except ValueError:
        return _DEFAULT_RETRY_AFTER
