"""Somebody who looks at a lab again and again, beside the test; what goes wrong there fails the test."""

import threading
from collections.abc import Callable

from berth.lab import Lab
from berth.lab.api import Api

_LOOK_SECONDS = 0.1


class Follower:
    """A thread with a connection of its own."""

    def __init__(self, lab: Lab, name: str, look: Callable[[Api], None]) -> None:
        self._lab, self._look = lab, look
        self._ended = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._follow, name=name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def told(self) -> None:
        """Tell the test's own thread what went wrong."""
        assert self._fault is None, self._fault

    def _follow(self) -> None:
        api = Api(self._lab.state)
        try:
            while not self._ended.wait(_LOOK_SECONDS):
                self._look(api)
        except BaseException as fault:  # noqa: BLE001  # told by the test's own thread
            self._fault = fault
        finally:
            api.close()
