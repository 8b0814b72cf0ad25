"""Objects that a subject takes over from others, one by one, and removes again."""

from berth.plan.outcome import Json
from support.fake_api import Server, refuse
from support.rig import running, server
from support.toy import NOTE, PAGE, THING
from support.virtual_time import virtual

THEIRS = {"apiVersion": "v1", "kind": "Other", "name": "other", "uid": "other", "controller": True}


def _note(api: Server, name: str) -> Json:
    labels = {"app.kubernetes.io/managed-by": "berth", "thing": "a", "bound": "to-other"}
    return api.put(NOTE, name, metadata={"name": name, "labels": labels, "ownerReferences": [THEIRS]})


def _owner(api: Server, name: str) -> str:
    note = api.get(NOTE, name)
    assert note is not None
    (reference,) = note["metadata"]["ownerReferences"]
    return str(reference["kind"])


@virtual
async def test_an_object_is_taken_in_one_request_before_the_children_and_is_never_pruned() -> None:
    api = server()
    async with running(api) as rig:
        _note(api, "one")
        _note(api, "two")
        await rig.settle()
        api.put(THING, "a", spec={"pages": {"page": "1"}, "takes": ["one"]})
        await rig.settle(600)
        assert api.writes()[:2] == [
            "PATCH /apis/other.dev/v1/namespaces/default/notes/one",
            "PATCH /api/v1/namespaces/default/configmaps/page",
        ]
        assert len([one for one in api.writes() if "/notes/" in one]) == 1
        assert (_owner(api, "one"), _owner(api, "two")) == ("Thing", "Other")
        taken = api.get(NOTE, "one")
        assert taken is not None
        assert taken["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "berth", "thing": "a"}
        api.requests.clear()
        api.put(THING, "a", spec={"pages": {"page": "2"}})
        await rig.settle(600)
        assert [one for one in api.writes() if "/notes/" in one] == []


@virtual
async def test_what_was_taken_is_removed_after_the_children_and_nothing_else_is() -> None:
    api = server()
    async with running(api) as rig:
        _note(api, "one")
        _note(api, "two")
        await rig.settle()
        api.put(THING, "a", spec={"pages": {"page": "1"}, "takes": ["one"]})
        await rig.settle()
        api.requests.clear()
        api.put(THING, "a", spec={"pages": {"page": "2"}, "removes": ["one", "two"]})
        await rig.settle(600)
        assert api.names(NOTE) == ["two"]
        writes = [one for one in api.writes() if "/status" not in one and "/events" not in one]
        assert writes == [
            "PATCH /api/v1/namespaces/default/configmaps/page",
            "DELETE /apis/other.dev/v1/namespaces/default/notes/one",
        ]


@virtual
async def test_an_object_that_has_changed_since_it_was_looked_at_is_looked_at_again() -> None:
    api = server()
    async with running(api) as rig:
        _note(api, "one")
        await rig.settle()
        watchers, api.watchers = api.watchers, []
        api.edit(NOTE, "one", ("metadata", "labels", "new"), "yes")
        api.watchers = watchers
        api.put(THING, "a", spec={"pages": {"page": "1"}, "takes": ["one"]})
        await rig.settle(1)
        assert _owner(api, "one") == "Other"
        assert not api.names(PAGE)
        api.edit(NOTE, "one", ("metadata", "labels", "new"), "no")
        await rig.settle(600)
        assert _owner(api, "one") == "Thing"


@virtual
async def test_an_object_that_is_gone_or_another_by_now_is_not_taken() -> None:
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
        api.put(THING, "a", spec={"pages": {"page": "1"}, "takes": ["gone"]})
        await rig.settle(100)
        assert rig.texts() == {"page": "1"}
        assert api.names(NOTE) == ["another"]
        assert _owner(api, "another") == "Other"


@virtual
async def test_a_refused_taking_holds_the_children_back() -> None:
    api = server()
    async with running(api) as rig:
        _note(api, "one")
        await rig.settle()
        api.before = lambda request: refuse(403) if request.verb == "PATCH" and "/notes/" in request.path else None
        api.put(THING, "a", spec={"pages": {"page": "1"}, "takes": ["one"]})
        await rig.settle(100)
        assert not api.names(PAGE)
        api.before = None
        await rig.settle(600)
        assert rig.texts() == {"page": "1"}
