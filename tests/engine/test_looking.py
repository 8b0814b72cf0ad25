"""How often a plan that looks at all objects of a kind is asked again."""

from berth.names import FIELD_MANAGER, MANAGED_BY
from support.fake_api import Server
from support.rig import running, server
from support.toy import NOTE, PALETTE, THING
from support.virtual_time import virtual


def _statuses(api: Server) -> int:
    return sum(one.endswith("/things/a/status") for one in api.writes())


def _note(api: Server, name: str) -> None:
    api.put(NOTE, name, metadata={"name": name, "labels": {MANAGED_BY: FIELD_MANAGER}})


@virtual
async def test_changes_of_a_kind_that_is_looked_at_seldom_are_taken_together() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"counts": ["notes"]})
        await rig.settle(20)
        before = _statuses(api)
        _note(api, "0")
        await rig.settle(1)
        assert rig.status("a")["notes"] == 1, "the first change after a rest is seen at once"
        for number in range(1, 8):
            _note(api, str(number))
            await rig.settle(1)
        assert rig.status("a")["notes"] == 1
        await rig.settle(3)
        assert rig.status("a")["notes"] == 8, "and the last one is not forgotten"
        assert _statuses(api) == before + 2


@virtual
async def test_other_kinds_are_looked_at_meanwhile() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"counts": ["notes", "palettes"]})
        await rig.settle(20)
        _note(api, "0")
        await rig.settle(2)
        _note(api, "1")
        api.put(PALETTE, "red", spec={"colour": "red"})
        await rig.settle(1)
        assert rig.status("a")["palettes"] == 1
        assert rig.status("a")["notes"] == 2, "who looks anyway sees everything"
        _note(api, "2")
        await rig.settle(5)
        assert rig.status("a")["notes"] == 2, "the rest is counted from the last look"
        await rig.settle(6)
        assert rig.status("a")["notes"] == 3
