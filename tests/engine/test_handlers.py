from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from berth.handlers import watcher_settings
from berth.settings import Settings
from support.toy import PAGE, TABLE, THING

if TYPE_CHECKING:
    from collections.abc import Iterable


def test_kopf_never_gives_up_on_a_server_that_is_away() -> None:
    backoffs = cast("Iterable[float]", watcher_settings(TABLE, Settings()).networking.error_backoffs)
    assert list(islice(backoffs, 1000))[-1] == 15


def test_kopf_keeps_nothing_on_objects_and_watches_children_by_our_label() -> None:
    chosen = watcher_settings(TABLE, Settings())
    assert chosen.scanning.disabled
    assert not chosen.posting.enabled
    assert chosen.peering.standalone
    selectors: Any = chosen.watching.label_selectors
    labels = {(one.group, one.version, one.any_name): label for one, label in selectors.items()}
    assert labels[PAGE.group, PAGE.version, PAGE.plural] == "app.kubernetes.io/managed-by=berth"
    assert not any(one[0] == THING.group for one in labels)
