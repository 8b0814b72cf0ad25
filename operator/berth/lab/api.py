"""A few plain requests to a lab's API server, for its own start and for its nodes."""

import http.client
import json
import ssl
import time
from typing import Any

from berth.lab.errors import LabError
from berth.lab.state import LabState

_OK = range(200, 300)


class Api:
    """One kept-alive connection, as the administrator."""

    def __init__(self, state: LabState) -> None:
        self._port = state.port
        self._token = state.tokens["admin"]
        self._tls = ssl.create_default_context(cafile=str(state.folder / "pki" / "ca.crt"))
        self._connection: http.client.HTTPSConnection | None = None

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return the status and the decoded answer (text that is no JSON as it is)."""
        reused = self._connection is not None
        try:
            return self._send(method, path, body)
        except (OSError, http.client.HTTPException):
            self.close()
            if not reused:
                raise
        # The server may have restarted since the last request: that says nothing about a new connection.
        return self._send(method, path, body)

    def _send(self, method: str, path: str, body: object) -> tuple[int, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=self._tls, timeout=30)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def get(self, path: str) -> Any:
        """Return an object, or None when it is not there."""
        status, found = self.request("GET", path)
        if status == http.client.NOT_FOUND:
            return None
        return _checked("GET", path, (status, found))

    def create(self, path: str, body: object) -> Any:
        """Create an object; one that exists already is left as it is."""
        answer = self.request("POST", path, body)
        return answer[1] if answer[0] == http.client.CONFLICT else _checked("POST", path, answer)

    def delete(self, path: str) -> None:
        """Delete an object, if it exists."""
        answer = self.request("DELETE", path)
        if answer[0] != http.client.NOT_FOUND:
            _checked("DELETE", path, answer)

    def answers(self, path: str) -> bool:
        """Say whether a request to this path succeeds now."""
        try:
            return self.request("GET", path)[0] in _OK
        except (OSError, http.client.HTTPException):
            return False

    def close(self) -> None:
        """Forget the connection; the next request makes a new one."""
        if self._connection:
            self._connection.close()
            self._connection = None


def _checked(method: str, path: str, answer: tuple[int, Any]) -> Any:
    status, body = answer
    if status not in _OK:
        raise LabError(f"{method} {path}: {status} {body}")
    return body


class Deadline:
    """Waits in small steps for a condition, up to a moment."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def passed(self) -> bool:
        """Sleep a moment and say whether the time is over."""
        time.sleep(0.05)
        return time.monotonic() > self._end
