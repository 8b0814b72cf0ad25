"""The engine as a whole, on the toy table and the fake server."""

import asyncio

from berth.engine.api import Answer, Request
from berth.plan.outcome import Json
from berth.resources import DEPLOYMENT
from berth.settings import Settings
from support.fake_api import Server, lost, refuse
from support.rig import Rig, running, server
from support.toy import NOTE, PAGE, PALETTE, THING
from support.virtual_time import virtual


def _writes(rig_writes: list[str], word: str = "") -> list[str]:
    return [one for one in rig_writes if word in one and "/events" not in one]


@virtual
async def test_a_new_subject_costs_its_children_and_one_status() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1", "two": "2"}, "replicas": 2})
        await rig.settle()
        assert rig.texts() == {"one": "1", "two": "2"}
        assert rig.status("a") == {"pages": 2, "notOwned": []}
        assert len(_writes(api.writes())) == 4
        reads = [one for one in api.requests if one.verb == "GET" and one.path.endswith("/things/a")]
        assert len(reads) == 1


@virtual
async def test_an_update_writes_what_differs_and_a_touch_nothing() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1", "two": "2"}})
        await rig.settle()
        api.requests.clear()
        api.put(THING, "a", spec={"pages": {"one": "changed", "two": "2"}})
        await rig.settle()
        assert _writes(api.writes()) == ["PATCH /api/v1/namespaces/default/configmaps/one"]
        api.requests.clear()
        api.edit(THING, "a", ("metadata", "annotations", "x"), "y")
        await rig.settle(600)
        assert _writes(api.writes()) == []


@virtual
async def test_a_restart_writes_nothing() -> None:
    api = server()
    async with running(api) as rig:
        for number in range(5):
            api.put(THING, f"t{number}", spec={"pages": {f"p{number}": "1"}, "replicas": 1})
        await rig.settle()
    api.requests.clear()
    async with running(api) as rig:
        await rig.settle(1000)
        assert _writes(api.writes()) == []
        assert rig.metrics.value("berth_reconciles_total") >= 5
        assert rig.metrics.value("berth_sweep_repairs_total") == 0


@virtual
async def test_what_is_planned_no_more_is_removed_after_one_look_at_the_owner() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1", "two": "2"}})
        await rig.settle()
        api.requests.clear()
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        assert api.names(PAGE) == ["one"]
        assert _writes(api.writes()) == [
            "DELETE /api/v1/namespaces/default/configmaps/two",
            "PATCH /apis/example.dev/v1/namespaces/default/things/a/status",
        ]


@virtual
async def test_a_subject_that_has_served_its_time_is_deleted_once() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        api.requests.clear()
        api.put(THING, "a", spec={"done": True})
        await rig.settle(600)
        assert api.names(THING) == []
        assert _writes(api.writes()) == ["DELETE /apis/example.dev/v1/namespaces/default/things/a"]
        assert rig.metrics.value("berth_sweep_repairs_total") == 0


@virtual
async def test_drift_is_restored_once_and_fields_of_others_stay() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        api.requests.clear()
        api.edit(PAGE, "one", ("data", "extra"), "theirs")
        await rig.settle()
        assert _writes(api.writes()) == []
        api.edit(PAGE, "one", ("data", "text"), "drift")
        await rig.settle()
        assert _writes(api.writes()) == ["PATCH /api/v1/namespaces/default/configmaps/one"]
        page = api.get(PAGE, "one")
        assert page is not None
        assert page["data"] == {"text": "1", "extra": "theirs"}


@virtual
async def test_a_foreign_object_is_never_touched_and_its_end_heals() -> None:
    api = server()
    async with running(api) as rig:
        api.put(PAGE, "one", data={"theirs": "x"})
        api.put(THING, "a", spec={"pages": {"one": "1", "two": "2"}})
        await rig.settle()
        assert rig.status("a") == {"pages": 1, "notOwned": ["ConfigMap/one"]}
        page = api.get(PAGE, "one")
        assert page is not None
        assert page["data"] == {"theirs": "x"}
        assert not page["metadata"]["managedFields"]
        tries = len(_writes(api.writes(), "configmaps/one"))
        await rig.settle(600)
        assert len(_writes(api.writes(), "configmaps/one")) == tries == 1, "looked at again, not written again"
        api.remove(PAGE, "one")
        await rig.settle(400)
        assert rig.texts() == {"one": "1", "two": "2"}
        assert rig.status("a") == {"pages": 2, "notOwned": []}


@virtual
async def test_a_child_that_lost_our_label_is_taken_back() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        before = api.get(PAGE, "one")
        api.edit(PAGE, "one", ("metadata", "labels", "app.kubernetes.io/managed-by"), None)
        await rig.settle()
        after = api.get(PAGE, "one")
        assert before is not None
        assert after is not None
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["metadata"]["labels"] == before["metadata"]["labels"]


@virtual
async def test_a_missing_reference_heals_without_a_touch_and_leaves_children_alone_meanwhile() -> None:
    api = server()
    async with running(api) as rig:
        api.put(PALETTE, "warm", spec={"colour": "red"})
        api.put(THING, "a", spec={"pages": {"one": "1"}, "palette": "warm"})
        await rig.settle()
        assert rig.status("a")["colour"] == "red"
        api.remove(PALETTE, "warm")
        await rig.settle()
        assert "does not exist" in rig.status("a")["message"]
        assert api.names(PAGE) == ["one"]
        api.put(PALETTE, "warm", spec={"colour": "blue"})
        await rig.settle()
        assert rig.status("a")["colour"] == "blue"
        assert "message" not in rig.status("a")


@virtual
async def test_a_broken_plan_shows_and_keeps_children() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        api.put(THING, "b", spec={"pages": {"two": "2"}})
        await rig.settle()
        api.put(THING, "a", spec={"broken": True})
        await rig.settle(1000)
        assert api.names(PAGE) == ["one", "two"]
        condition = rig.status("a")["conditions"][0]
        assert (condition["type"], condition["status"], condition["reason"]) == ("Ready", "Unknown", "OperatorError")
        statuses = _writes(api.writes(), "things/a/status")
        await rig.settle(1000)
        assert _writes(api.writes(), "things/a/status") == statuses, "the same failure is written once"
        api.put(THING, "a", spec={"pages": {"one": "again"}})
        await rig.settle()
        assert rig.texts()["one"] == "again"
        assert "conditions" not in rig.status("a")


@virtual
async def test_a_refusal_is_shown_and_heals_by_itself() -> None:
    api = server()
    refusing = True

    def quota(request: Request) -> Answer | None:
        return refuse(403, "exceeded quota") if refusing and "configmaps/one" in request.path else None

    api.before = quota
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        condition = rig.status("a")["conditions"][0]
        assert (condition["status"], condition["reason"], condition["message"]) == (
            "False",
            "Refused",
            "exceeded quota",
        )
        refusing = False
        await rig.settle(300)
        assert rig.texts() == {"one": "1"}
        assert "conditions" not in rig.status("a")


@virtual
async def test_a_namespace_that_goes_away_is_left_in_peace() -> None:
    api = server()
    api.before = lambda request: (
        refuse(403, "terminating", "NamespaceTerminating") if "configmaps/one" in request.path else None
    )
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle(1000)
        assert len(_writes(api.writes())) == 1


@virtual
async def test_a_reply_that_got_lost_makes_no_second_object() -> None:
    api = server()
    drop = True

    def after(request: Request) -> Exception | None:
        nonlocal drop
        if drop and request.verb == "PATCH":
            drop = False
            return lost(request)
        return None

    api.after = after
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        assert rig.texts() == {"one": "1"}
        assert rig.status("a")["pages"] == 1
        page = api.get(PAGE, "one")
        assert page is not None
        assert page["metadata"]["generation"] == 1


@virtual
async def test_nothing_is_made_for_an_owner_that_is_gone() -> None:
    api = server()
    async with running(api) as rig:
        body = api.put(THING, "ghost", spec={"pages": {"one": "1"}})
        api.watchers.clear()
        api.remove(THING, "ghost")
        rig.engine.saw(THING, "ADDED", body)
        await rig.settle(100)
        assert _writes(api.writes()) == []
        assert len(rig.engine.store) == 0
        api.watchers.append(rig.watch)


@virtual
async def test_a_successor_under_the_same_name_gets_children_of_its_own() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        first = api.get(PAGE, "one")
        api.remove(THING, "a")
        api.put(THING, "a", spec={"pages": {"one": "new"}})
        await rig.settle()
        second = api.get(PAGE, "one")
        assert first is not None
        assert second is not None
        assert second["metadata"]["uid"] != first["metadata"]["uid"]
        assert second["data"] == {"text": "new"}


@virtual
async def test_a_stale_status_write_is_planned_again() -> None:
    api = server()
    async with running(api) as rig:
        api.latency = 0.05
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle(0.12)
        api.put(THING, "a", spec={"pages": {"one": "2"}})
        await rig.settle()
        assert rig.texts() == {"one": "2"}
        assert rig.status("a")["pages"] == 1


@virtual
async def test_a_webhook_that_changes_what_we_apply_is_taken_as_it_is() -> None:
    api = server()

    def webhook(body: Json) -> None:
        if "text" in body.get("data", {}):
            body["data"]["text"] = body["data"]["text"].upper()

    api.mutate = webhook
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "shout"}})
        await rig.settle(1000)
        assert rig.texts() == {"one": "SHOUT"}
        assert len(_writes(api.writes(), "configmaps/one")) == 1
        assert rig.metrics.value("berth_noncanonical_total") == 1
        api.edit(PAGE, "one", ("data", "text"), "drift")
        await rig.settle()
        assert len(_writes(api.writes(), "configmaps/one")) <= 2


@virtual
async def test_a_fight_over_a_field_is_fought_ever_more_slowly() -> None:
    api = server()

    def rival(request: Request) -> None:
        page = api.get(PAGE, "one")
        if request.verb == "PATCH" and "configmaps/one" in request.path and page and page["data"]["text"] == "1":
            api.edit(PAGE, "one", ("data", "text"), "rival")

    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        api.after = rival
        api.edit(PAGE, "one", ("data", "text"), "rival")
        await rig.settle(3600)
        assert 5 < len(_writes(api.writes(), "configmaps/one")) < 30
        api.after = None
        await rig.settle(600)
        assert rig.texts() == {"one": "1"}
        api.put(THING, "a", spec={"pages": {"one": "2"}})
        await rig.settle()
        assert rig.texts() == {"one": "2"}, "a change of the plan does not wait"


@virtual
async def test_a_storm_of_changes_is_bounded() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "0"}})
        await rig.settle()
        api.requests.clear()
        for number in range(100):
            api.put(THING, "a", spec={"pages": {"one": str(number)}})
            await rig.settle(0.01)
        await rig.settle()
        assert rig.texts() == {"one": "99"}
        assert len(_writes(api.writes(), "configmaps")) <= 10


@virtual
async def test_the_sweep_finds_what_the_watches_lost() -> None:
    api = server()
    async with running(api, sweep_seconds=300) as rig:
        for name in ("a", "b", "c"):
            api.put(THING, name, spec={"pages": {f"page-{name}": "1"}})
        await rig.settle()
        watchers, api.watchers = api.watchers, []
        api.remove(THING, "a")
        api.remove(PAGE, "page-b")
        api.put(THING, "c", spec={"pages": {"page-c": "2"}})
        await rig.settle(5)
        api.watchers = watchers
        await rig.settle(400)
        assert rig.texts() == {"page-b": "1", "page-c": "2"}
        assert len(rig.engine.store) == 4
        assert rig.metrics.value("berth_sweep_repairs_total") == 4


@virtual
async def test_the_sweep_follows_a_relist_and_finds_nothing_in_good_times() -> None:
    api = server()
    async with running(api, list_chunk=2, sweep_chunk=2) as rig:
        for number in range(5):
            api.put(THING, f"t{number}", spec={"pages": {f"p{number}": "1"}})
        await rig.settle()
        api.requests.clear()
        rig.engine.saw(THING, None, api.put(THING, "t0"))
        await rig.settle(10)
        lists = [one for one in api.requests if one.query.get("limit") and one.path.endswith("/things")]
        assert len(lists) == 3
        assert rig.metrics.value("berth_sweep_repairs_total") == 0


@virtual
async def test_an_outage_ends_and_all_is_done() -> None:
    api = server()
    async with running(api) as rig:
        api.before = lost
        for number in range(20):
            api.put(THING, f"t{number}", spec={"pages": {f"p{number}": "1"}, "replicas": 1})
        await rig.settle(120)
        assert not api.names(PAGE)
        api.before = None
        await rig.settle(300)
        assert len(api.names(PAGE)) == len(api.names(DEPLOYMENT)) == 20
        assert all(rig.status(f"t{number}")["pages"] == 1 for number in range(20))


@virtual
async def test_nothing_remains_of_what_is_gone() -> None:
    api = server()
    async with running(api) as rig:
        for number in range(50):
            api.put(THING, f"t{number}", spec={"pages": {f"p{number}": "1"}, "palette": "none"})
        await rig.settle()
        for number in range(50):
            api.remove(THING, f"t{number}")
        await rig.settle(10)
        assert len(rig.engine.store) == 0
        assert rig.engine.asked == 0
        assert len(rig.engine.queue) == rig.engine.queue.failing() == 0


OURS = {"app.kubernetes.io/managed-by": "berth", "thing": "a"}
COST = "example.dev/cost"


def _note(api: Server, name: str) -> Json:
    """Somebody else's object that carries our label, as pods of a Deployment do."""
    return api.put(NOTE, name, metadata={"name": name, "labels": OURS, "annotations": {"theirs": "x"}})


def _said(api: Server, name: str) -> Json:
    note = api.get(NOTE, name)
    assert note is not None
    found: Json = note["metadata"]["annotations"]
    return found


@virtual
async def test_marks_are_written_once_before_the_children_and_taken_back() -> None:
    api = server()
    async with running(api) as rig:
        _note(api, "one")
        _note(api, "two")
        await rig.settle()
        marks = {"one": {COST: "-1"}, "two": {}}
        api.put(THING, "a", spec={"pages": {"page": "1"}, "marks": marks})
        await rig.settle(600)
        assert _writes(api.writes())[:2] == [
            "PATCH /apis/other.dev/v1/namespaces/default/notes/one",
            "PATCH /api/v1/namespaces/default/configmaps/page",
        ]
        assert len(_writes(api.writes(), "/notes/")) == 1
        assert _said(api, "one") == {"theirs": "x", COST: "-1"}
        api.requests.clear()
        api.put(THING, "a", spec={"pages": {"page": "1"}, "marks": {"one": {}, "two": {}}})
        await rig.settle(600)
        assert _said(api, "one") == _said(api, "two") == {"theirs": "x"}
        assert _writes(api.writes(), "/notes/") == ["PATCH /apis/other.dev/v1/namespaces/default/notes/one"]


@virtual
async def test_a_mark_for_an_object_that_is_gone_or_another_by_now_is_dropped() -> None:
    api = server()
    async with running(api) as rig:
        for name in ("gone", "another"):
            _note(api, name)
        await rig.settle()
        watchers, api.watchers = api.watchers, []
        for name in ("gone", "another"):
            api.remove(NOTE, name)
        _note(api, "another")
        api.watchers = watchers
        said = {COST: "-1"}
        api.put(THING, "a", spec={"pages": {"page": "1"}, "marks": {"gone": said, "another": said}})
        await rig.settle(100)
        assert rig.texts() == {"page": "1"}
        assert api.names(NOTE) == ["another"]
        assert _said(api, "another") == {"theirs": "x"}


@virtual
async def test_a_refused_mark_holds_the_children_back() -> None:
    api = server()
    async with running(api) as rig:
        _note(api, "one")
        await rig.settle()
        api.before = lambda request: refuse(403) if request.verb == "PATCH" and "/notes/" in request.path else None
        api.put(THING, "a", spec={"pages": {"page": "1"}, "marks": {"one": {COST: "-1"}}})
        await rig.settle(100)
        assert not api.names(PAGE)
        api.before = None
        await rig.settle(600)
        assert rig.texts() == {"page": "1"}


@virtual
async def test_events_are_told_after_the_status_and_once() -> None:
    api = server()
    async with running(api) as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}})
        await rig.settle()
        told = [one for one in api.writes() if "/events" in one]
        order = [one for one in api.writes() if "/events" in one or "/status" in one]
        assert len(told) == 1
        assert order[0].endswith("/status")
        api.put(THING, "a", spec={"pages": {"one": "1", "two": "2"}})
        await rig.settle()
        assert [one for one in api.writes() if "/events" in one] == told


@virtual
async def test_an_operator_for_some_namespaces_reads_kinds_of_the_cluster_and_writes_none() -> None:
    api = server()
    api.put(THING, "elsewhere", namespace="other", spec={"pages": {"no": "1"}})
    api.put(PALETTE, "warm", spec={"colour": "red"})
    async with running(api, namespaces="default") as rig:
        api.put(THING, "a", spec={"pages": {"one": "1"}, "palette": "warm"})
        await rig.settle(1000)
        assert rig.status("a")["colour"] == "red"
        assert api.names(PAGE) == ["one"]
        lists = {one.path for one in api.requests if one.query.get("limit")}
        assert lists == {
            "/apis/example.dev/v1/namespaces/default/things",
            "/apis/example.dev/v1/palettes",
            "/apis/other.dev/v1/namespaces/default/notes",
            "/api/v1/namespaces/default/configmaps",
            "/apis/apps/v1/namespaces/default/deployments",
        }


@virtual
async def test_nothing_is_made_before_everything_is_listed() -> None:
    api = server()
    api.put(THING, "a", spec={"pages": {"one": "1"}})
    api.before = lambda request: refuse(503) if request.path.endswith("/configmaps") else None
    rig = Rig(api, Settings())
    listing, work = asyncio.create_task(rig.engine.list_all()), asyncio.create_task(rig.engine.run())
    await asyncio.sleep(100)
    assert not listing.done()
    assert not api.writes()
    api.before = None
    await rig.until(lambda: api.names(PAGE) == ["one"])
    work.cancel()
    await asyncio.wait((work,))
