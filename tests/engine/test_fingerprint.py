from typing import Any

import pytest

from berth.engine.fingerprint import NOT_APPLIED, live_print, planned_print
from berth.plan.outcome import Json


def live(body: Json, fields: Json, **entry: Any) -> Json:
    manager = {"manager": "berth", "operation": "Apply", "fieldsV1": fields, **entry}
    return {**body, "metadata": {**body.get("metadata", {}), "managedFields": [manager]}}


def test_fields_of_others_and_defaults_do_not_count() -> None:
    body = {"spec": {"replicas": 3, "strategy": {"type": "RollingUpdate"}}, "status": {"ready": 1}}
    assert live_print(live(body, {"f:spec": {"f:replicas": {}}})) == planned_print({"spec": {"replicas": 3}})


def test_a_changed_field_counts() -> None:
    body = {"spec": {"replicas": 4}}
    assert live_print(live(body, {"f:spec": {"f:replicas": {}}})) != planned_print({"spec": {"replicas": 3}})


def test_a_field_that_somebody_took_over_or_removed_counts() -> None:
    wanted = planned_print({"spec": {"a": 1, "b": 2}})
    assert live_print(live({"spec": {"a": 1, "b": 3}}, {"f:spec": {"f:a": {}}})) != wanted
    assert live_print(live({"spec": {"a": 1}}, {"f:spec": {"f:a": {}, "f:b": {}}})) != wanted


def test_items_of_keyed_lists_are_found_by_their_keys_in_the_live_order() -> None:
    containers = [{"name": "injected", "image": "x"}, {"name": "b", "image": "2", "pull": "Always"}, {"name": "a"}]
    fields: Json = {
        "f:containers": {
            'k:{"name":"a"}': {".": {}, "f:name": {}},
            'k:{"name":"b"}': {".": {}, "f:name": {}, "f:image": {}},
        }
    }
    assert live_print(live({"containers": containers}, fields)) == planned_print(
        {"containers": [{"name": "b", "image": "2"}, {"name": "a"}]}
    )


def test_sets_and_indexes() -> None:
    fields: Json = {"f:set": {'v:"x"': {}, "v:2": {}}, "f:list": {"i:1": {}, "i:7": {}}}
    body = {"set": ["y", "x", 2], "list": ["a", "b"]}
    assert live_print(live(body, fields)) == planned_print({"set": ["x", 2], "list": ["b"]})


def test_a_path_without_steps_is_the_whole_value_and_a_dot_alone_is_an_empty_one() -> None:
    fields: Json = {"f:whole": {}, "f:empty": {".": {}}}
    body = {"whole": {"x": [1, {"y": 2}]}, "empty": {"others": 1}}
    assert live_print(live(body, fields)) == planned_print({"whole": {"x": [1, {"y": 2}]}, "empty": {}})


@pytest.mark.parametrize("entry", [{"manager": "kubectl"}, {"operation": "Update"}, {"subresource": "status"}], ids=str)
def test_only_our_own_apply_counts(entry: Json) -> None:
    assert live_print(live({"spec": {}}, {"f:spec": {}}, **entry)) == NOT_APPLIED


def test_the_order_of_keys_does_not_matter() -> None:
    assert planned_print({"a": 1, "b": {"c": 2, "d": 3}}) == planned_print({"b": {"d": 3, "c": 2}, "a": 1})
