"""Constant load from inside a lab: `python load.py URL HOST` asks until its input ends, and prints what came of it."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

CLIENTS = 4
_TIMEOUT = 10


class Load:
    """What a stretch of load came to, once it has ended."""

    requests = 0
    failures: Counter[str]

    def __init__(self) -> None:
        self.failures = Counter()


@contextmanager
def load(start: list[str], url: str, host: str) -> Generator[Load]:
    """Load on one host behind a gateway, as long as the block runs; `start` is the way into the network."""
    found = Load()
    # -P: beside this file are modules named like those of the standard library.
    command = [*start, sys.executable, "-P", __file__, url, host]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        yield found
        said, _ = running.communicate("")
    answer = json.loads(said)
    found.requests, found.failures = answer["requests"], Counter(answer["failures"])


def _main(url: str, host: str) -> None:
    ended = threading.Event()
    requests: Counter[str] = Counter()
    failures: Counter[str] = Counter()

    def ask() -> None:
        while not ended.is_set():
            requests["all"] += 1
            try:
                urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host}), timeout=_TIMEOUT).read()  # noqa: S310  # a URL of the test's own
            except urllib.error.HTTPError as error:
                failures[f"{error.code}"] += 1
            except OSError as error:
                failures[type(error).__name__] += 1
            ended.wait(0.01)

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    sys.stdin.read()
    ended.set()
    for one in clients:
        one.join()
    sys.stdout.write(json.dumps({"requests": requests["all"], "failures": failures}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
