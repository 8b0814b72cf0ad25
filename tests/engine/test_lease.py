import asyncio
from typing import Any

import pytest

from berth.engine.api import Api, Limits, Request
from berth.engine.errors import WritesFenced
from berth.engine.lease import Leadership, LeaseLost
from berth.engine.metrics import Metrics
from berth.resources import LEASE
from berth.settings import Settings
from support.fake_api import Server, lost
from support.rig import server
from support.virtual_time import VirtualClock, virtual


class Replica:
    """One process that wants to lead."""

    def __init__(self, api_server: Server, name: str) -> None:
        metrics, clock = Metrics(), VirtualClock()
        self.api = Api(api_server, clock, Limits(), metrics)
        settings = Settings(operator_namespace="default")
        self.part = Leadership(self.api, clock, settings, name, metrics)
        self.api.gate = self.part.time_left


def now() -> float:
    return asyncio.get_running_loop().time()


def holder(api: Server) -> dict[str, Any]:
    found = api.get(LEASE, "berth-leader")
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return spec


@virtual
async def test_the_first_leads_and_the_second_waits_and_is_ready() -> None:
    api = server()
    one, two = Replica(api, "one"), Replica(api, "two")
    await one.part.acquire()
    holding, waiting = asyncio.create_task(one.part.hold()), asyncio.create_task(two.part.acquire())
    await asyncio.sleep(120)
    assert not waiting.done()
    assert two.part.looked
    assert two.part.time_left() <= 0
    assert one.part.time_left() > 5
    assert holder(api)["holderIdentity"] == "one"
    holding.cancel()
    waiting.cancel()


@virtual
async def test_renewals_are_one_write_each_and_no_read() -> None:
    api = server()
    one = Replica(api, "one")
    await one.part.acquire()
    api.requests.clear()
    holding = asyncio.create_task(one.part.hold())
    await asyncio.sleep(60)
    assert {request.verb for request in api.requests} == {"PUT"}
    assert 25 <= len(api.requests) <= 31
    holding.cancel()


@virtual
async def test_a_released_lease_is_taken_within_one_look() -> None:
    api = server()
    one, two = Replica(api, "one"), Replica(api, "two")
    await one.part.acquire()
    waiting = asyncio.create_task(two.part.acquire())
    await asyncio.sleep(5)
    released = now()
    await one.part.release()
    await waiting
    assert now() - released <= 2.1
    assert holder(api)["leaseTransitions"] == 1
    with pytest.raises(WritesFenced):
        await one.api.create("/anything", {})


@virtual
async def test_after_a_crash_the_lease_is_taken_when_it_was_silent_for_its_duration() -> None:
    api = server()
    one, two = Replica(api, "one"), Replica(api, "two")
    await one.part.acquire()
    crashed = now()
    await two.part.acquire()
    assert 15 <= now() - crashed <= 17.1


@virtual
async def test_a_leader_cut_off_writes_nothing_after_its_deadline_and_gives_up_before_another_may_lead() -> None:
    api = server()
    one = Replica(api, "one")
    await one.part.acquire()
    api.before = lost
    started = now()
    with pytest.raises(LeaseLost):
        await one.part.hold()
    assert now() - started <= 10.1
    api.before = None
    api.requests.clear()
    with pytest.raises(WritesFenced):
        await one.api.write(Request("POST", "/anything"))
    assert not api.requests


@virtual
async def test_a_leader_that_was_frozen_finds_out_before_it_writes() -> None:
    api = server()
    one, two = Replica(api, "one"), Replica(api, "two")
    await one.part.acquire()
    await asyncio.sleep(30)  # nobody renewed: the process stood still
    await two.part.acquire()
    api.requests.clear()
    with pytest.raises(WritesFenced):
        await one.api.create("/anything", {})
    with pytest.raises(LeaseLost):
        await one.part.hold()
    await one.part.release()
    assert not api.requests
    assert holder(api)["holderIdentity"] == "two"


@virtual
async def test_nothing_is_written_by_who_never_led() -> None:
    api = server()
    with pytest.raises(WritesFenced):
        await Replica(api, "one").api.create("/anything", {})
    assert not api.requests


@virtual
async def test_a_write_lasts_no_longer_than_the_lead() -> None:
    api = server()
    one = Replica(api, "one")
    await one.part.acquire()
    await asyncio.sleep(7)
    with pytest.raises(Exception, match="no such kind"):
        await one.api.create("/apis/x/v1/things", {})
    assert api.requests[-1].timeout <= 3
