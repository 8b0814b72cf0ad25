from dataclasses import replace
from typing import Any

from berth.engine.controller import Watch
from berth.engine.interest import Interests, Tracked
from berth.engine.key import Key
from berth.engine.store import Record, Store
from berth.plan import keep
from berth.plan.outcome import Json
from support.toy import NOTE, PAGE, PALETTE, TABLE, THING

Told = list[tuple[str | None, str | None]]


def body(name: str, version: int, uid: str = "", **more: Any) -> Json:
    metadata = {"name": name, "namespace": "default", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": {**metadata, **more.pop("metadata", {})}, **more}


def store() -> tuple[Store, Told]:
    made, told = Store(TABLE), Told()

    def listen(before: Record | None, after: Record | None, _by: Key | None) -> None:
        told.append((before.uid if before else None, after.uid if after else None))

    made.listener = listen
    return made, told


def thing(name: str) -> Key:
    return Key(THING, "default", name)


def test_old_news_and_changes_that_nobody_reads_wake_nobody() -> None:
    made, told = store()
    assert made.see(body("a", 5, spec={"x": 1}), THING)
    assert not made.see(body("a", 5, spec={"x": 1}), THING)
    assert not made.see(body("a", 4, spec={"x": 0}), THING)
    assert not made.see(body("a", 6, spec={"x": 1}, metadata={"annotations": {"y": "z"}}), THING)
    assert not made.see(body("a", 5, spec={"x": 9}), THING), "the version moved on although nothing was read"
    assert made.see(body("a", 7, spec={"x": 2}), THING)
    assert len(told) == 2


def test_an_object_that_took_the_name_replaces_the_record_and_its_predecessor_is_not_heard_again() -> None:
    made, told = store()
    made.see(body("a", 5, "old"), THING)
    made.see(body("a", 9, "new"), THING)
    assert not made.see(body("a", 6, "old"), THING)
    assert not made.forget_body(body("a", 7, "old"), THING)
    assert made.subject_with("new") == thing("a")
    assert made.subject_with("old") is None
    assert told == [(None, "old"), ("old", "new")]


def test_the_dead_do_not_return_with_late_news() -> None:
    made, told = store()
    made.see(body("a", 5), THING)
    assert made.forget(thing("a"), "uid-a", 8)
    assert not made.see(body("a", 7), THING)
    assert made.get(thing("a")) is None
    assert made.see(body("a", 8), THING), "it lost its label in this version and is seen to live"
    assert told[-1] == (None, "uid-a")


def test_news_of_an_end_from_before_the_last_change_is_ignored() -> None:
    made, _ = store()
    made.see(body("a", 10), THING)
    assert not made.forget(thing("a"), "uid-a", 9)
    assert made.get(thing("a")) is not None


def test_children_are_found_by_the_controller_alone() -> None:
    made, _ = store()
    references = [{"uid": "other"}, {"uid": "owner", "controller": True}]
    made.see(body("p", 1, metadata={"ownerReferences": references}), PAGE)
    assert [record.key.name for record in made.owned("owner")] == ["p"]
    assert not made.owned("other")
    made.see(body("p", 2), PAGE)
    assert not made.owned("owner")


def test_plans_never_see_what_changes_with_each_write() -> None:
    made, _ = store()
    made.see(body("a", 3, spec={}, metadata={"managedFields": [], "generation": 4}), THING)
    record = made.get(thing("a"))
    assert record is not None
    assert record.body()["metadata"] == {"name": "a", "namespace": "default", "uid": "uid-a", "generation": 4}


def test_an_object_that_cannot_be_read_is_kept_by_name() -> None:
    def broken(_body: Json) -> Json:
        raise KeyError("spec")

    made = Store(replace(TABLE, watches=(Watch(THING, broken),)))
    assert made.see(body("a", 1), THING)
    record = made.get(thing("a"))
    assert record is not None
    assert set(record.body()) == {"metadata"}


def _asking(interests: Interests, before: Record | None, after: Record | None) -> list[tuple[str, bool]]:
    return [(key.name, wide) for key, wide in interests.touched_by(before, after, store()[0])]


def test_questions_bring_back_those_who_asked() -> None:
    made, _ = store()
    interests = Interests()
    for name in ("one", "every", "other"):
        view = Tracked(made)
        if name == "every":
            view.every(PALETTE)
        else:
            view.one(PALETTE, {"one": "warm", "other": "cold"}[name])
        interests.replace(thing(name), view.questions)
    made.see(body("warm", 1, metadata={"namespace": None}), PALETTE)
    record = made.get(Key(PALETTE, "", "warm"))
    assert _asking(interests, None, record) == [("one", False), ("every", True)]
    interests.replace(thing("one"), set())
    interests.drop(thing("every"))
    assert _asking(interests, record, None) == []


def test_a_view_answers_by_name_in_order() -> None:
    made, _ = store()
    for name in ("b", "a"):
        made.see(body(name, 1, metadata={"namespace": None}), PALETTE)
    view = Tracked(made)
    assert [one["metadata"]["name"] for one in view.every(PALETTE)] == ["a", "b"]
    assert view.one(PALETTE, "c") is None


def test_who_asked_which_groups_there_are_is_woken_by_the_first_and_the_last_of_one() -> None:
    watches = tuple(replace(one, keep=keep.own) if one.resource == NOTE else one for one in TABLE.watches)
    made, told = Store(replace(TABLE, watches=watches)), list[list[str]]()
    interests, view = Interests(), Tracked(made)
    made.listener = lambda before, after, _: told.append(
        [key.name for key, _ in interests.touched_by(before, after, made)]
    )

    def note(name: str, version: int, shelf: str) -> Json:
        return body(name, version, metadata={"labels": {"thing": shelf}}, spec={"shelf": shelf})

    assert view.groups(NOTE, "default") == ()
    interests.replace(thing("reader"), view.questions)
    made.see(note("a", 1, "red"), NOTE)
    made.see(note("b", 2, "red"), NOTE)
    made.see(note("b", 3, "blue"), NOTE)
    made.see(note("a", 4, "blue"), NOTE)
    made.forget(Key(NOTE, "default", "a"), "uid-a", 5)
    made.forget(Key(NOTE, "default", "b"), "uid-b", 6)
    assert told == [["reader"], [], ["reader"], ["reader"], [], ["reader"]]
    assert view.groups(NOTE, "default") == ()
