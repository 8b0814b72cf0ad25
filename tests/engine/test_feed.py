"""Kopf does not promise the place where its streams are taken over: an upgrade that moves it must be seen here."""

import inspect

from kopf._cogs.clients import watching
from kopf._core.reactor import orchestration

from berth.handlers import _feed


def test_kopf_still_gives_its_streams_to_the_watcher() -> None:
    source = inspect.getsource(orchestration)
    assert "coro=queueing.watcher(" in source
    for given in ("settings", "resource", "namespace", "operator_paused", "operator_indexed", "resource_indexed"):
        assert f"{given}=" in source


def test_the_stream_still_takes_what_we_give_it() -> None:
    taken = inspect.signature(watching.infinite_watch).parameters
    assert {"settings", "resource", "namespace", "operator_paused"} <= set(taken)
    assert inspect.iscoroutinefunction(_feed)
