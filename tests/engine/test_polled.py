"""Objects that nobody watches: looked at by name, metadata alone, when they are asked for and then now and then."""

import orjson

from berth.engine.api import METADATA, Answer, Request
from berth.engine.controller import Controller, Table, Watch
from berth.plan.outcome import Json, Plan
from berth.plan.world import World
from berth.resources import EVENT, LEASE, SECRET_METADATA
from support.fake_api import Server, refuse
from support.rig import Rig, running
from support.toy import THING, keep
from support.virtual_time import virtual

PERIOD = 300.0
VALUE = "dmFsdWU="


def plan(world: World) -> Plan:
    """Shows what is seen of each Secret that it names."""
    seen = {name: world.one(SECRET_METADATA, name) for name in world.subject["spec"]["names"]}
    return Plan(children=(), status={name: said["shown"] if said else "unknown" for name, said in seen.items()})


def _shown(body: Json) -> Json:
    return {"shown": str(body.get("code") or body["metadata"]["labels"]["shown"])}


TABLE = Table(
    controllers=(Controller(THING, plan),), watches=(Watch(THING, keep),), polled=(Watch(SECRET_METADATA, _shown),)
)


def server() -> Server:
    return Server(THING, SECRET_METADATA, EVENT, LEASE)


def _secret(api: Server, name: str, shown: str) -> None:
    api.put(SECRET_METADATA, name, metadata={"name": name, "labels": {"shown": shown}}, data={"key": VALUE})


def _looks(api: Server) -> list[Request]:
    return [one for one in api.requests if "/secrets" in one.path]


def _statuses(api: Server) -> int:
    return sum(one.endswith("/status") for one in api.writes())


async def _round(rig: Rig) -> None:
    await rig.settle(PERIOD * 1.2)


@virtual
async def test_what_is_asked_for_is_seen_at_once_and_by_name_and_metadata_alone() -> None:
    api = server()
    _secret(api, "db", "1")
    _secret(api, "other", "1")
    async with running(api, TABLE, sweep_seconds=PERIOD) as rig:
        api.put(THING, "a", spec={"names": ["db"]})
        await rig.settle()
        assert rig.status("a") == {"db": "1"}
        await _round(rig)
    assert {(one.verb, one.path) for one in _looks(api)} == {("GET", "/api/v1/namespaces/default/secrets/db")}
    assert {one.accept for one in _looks(api)} == {METADATA}


@virtual
async def test_one_look_a_period_serves_all_who_ask_and_what_stays_wakes_nobody() -> None:
    api = server()
    _secret(api, "db", "1")
    async with running(api, TABLE, sweep_seconds=PERIOD) as rig:
        for number in range(5):
            api.put(THING, f"thing-{number}", spec={"names": ["db"]})
        await rig.settle()
        looks, statuses = len(_looks(api)), _statuses(api)
        assert (looks, statuses) == (1, 10)
        api.edit(SECRET_METADATA, "db", ("metadata", "labels", "other"), "of no interest")
        await rig.settle(PERIOD * 12)
        assert 9 <= len(_looks(api)) - looks <= 15
        assert _statuses(api) == statuses


@virtual
async def test_a_change_wakes_who_asked() -> None:
    api = server()
    _secret(api, "db", "1")
    async with running(api, TABLE, sweep_seconds=PERIOD) as rig:
        api.put(THING, "a", spec={"names": ["db"]})
        await rig.settle()
        api.edit(SECRET_METADATA, "db", ("metadata", "labels", "shown"), "2")
        await _round(rig)
        assert rig.status("a") == {"db": "2"}
        api.remove(SECRET_METADATA, "db")
        await _round(rig)
        assert rig.status("a") == {"db": "404"}
        _secret(api, "db", "3")
        await _round(rig)
        assert rig.status("a") == {"db": "3"}


@virtual
async def test_what_is_forbidden_is_an_answer_and_what_fails_is_asked_again() -> None:
    api = server()
    _secret(api, "db", "1")
    code = 403

    def refused(request: Request) -> Answer | None:
        return refuse(code) if "/secrets" in request.path and code else None

    api.before = refused
    async with running(api, TABLE, sweep_seconds=PERIOD) as rig:
        api.put(THING, "a", spec={"names": ["db"]})
        await rig.settle()
        assert rig.status("a") == {"db": "403"}
        code = 503
        await _round(rig)
        assert rig.status("a") == {"db": "403"}, "no answer is no news"
        code = 0
        await _round(rig)
        assert rig.status("a") == {"db": "1"}


@virtual
async def test_what_nobody_asks_for_any_more_is_looked_at_no_more_and_forgotten() -> None:
    api = server()
    _secret(api, "db", "1")
    _secret(api, "key", "1")
    async with running(api, TABLE, sweep_seconds=PERIOD) as rig:
        api.put(THING, "a", spec={"names": ["db"]})
        await rig.settle()
        api.put(THING, "a", spec={"names": ["key"]})
        await _round(rig)
        before = len(_looks(api))
        await _round(rig)
        assert {one.path.rpartition("/")[2] for one in _looks(api)[before:]} == {"key"}
        assert [one.key.name for one in rig.engine.store.of_kind(SECRET_METADATA)] == ["key"]


@virtual
async def test_no_value_is_kept() -> None:
    api = server()
    _secret(api, "db", "1")
    async with running(api, TABLE, sweep_seconds=PERIOD) as rig:
        api.put(THING, "a", spec={"names": ["db"]})
        await rig.settle()
        (record,) = rig.engine.store.of_kind(SECRET_METADATA)
        kept = orjson.loads(record.kept)
        assert set(kept) == {"metadata", "shown"}
        assert set(kept["metadata"]) <= {"name", "namespace", "uid", "generation"}
