import asyncio

import orjson
import pytest

from berth.engine import errors
from berth.engine.api import Answer, Api, Limits, Request
from berth.engine.metrics import Metrics
from support.fake_api import refuse
from support.rig import server
from support.virtual_time import VirtualClock, virtual


class Scripted:
    """Answers as told, in order; then 200."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.logins = 0
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Answer:
        self.sent.append(request)
        return self.answers.pop(0) if self.answers else Answer(200, b"{}")

    async def renew_login(self) -> None:
        self.logins += 1

    async def close(self) -> None:
        return


def api(transport: Scripted, writes_per_second: float = 500) -> Api:
    return Api(transport, VirtualClock(), Limits(writes_per_second), Metrics())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, errors.Invalid),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Gone),
        (422, errors.Invalid),
        (429, errors.TooManyRequests),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
        (504, errors.Unavailable),
    ],
)
def test_each_answer_is_translated_once(code: int, kind: type[errors.ApiError]) -> None:
    @virtual
    async def run() -> None:
        with pytest.raises(kind, match="on purpose") as caught:
            await api(Scripted(refuse(code))).get("/x")
        assert type(caught.value) is kind

    run()


@virtual
async def test_a_namespace_that_ends_is_told_from_missing_rights() -> None:
    with pytest.raises(errors.NamespaceTerminating):
        await api(Scripted(refuse(403, cause="NamespaceTerminating"))).get("/x")


@virtual
async def test_a_body_that_is_no_json_is_no_crash() -> None:
    with pytest.raises(errors.Unavailable, match="bad gateway"):
        await api(Scripted(Answer(502, b"<html>bad gateway"))).get("/x")


@virtual
async def test_refused_credentials_are_renewed_once() -> None:
    transport = Scripted(refuse(401))
    await api(transport).get("/x")
    assert transport.logins == 1
    transport = Scripted(refuse(401), refuse(401))
    with pytest.raises(errors.Unauthorized):
        await api(transport).get("/x")


@virtual
async def test_writes_wait_as_long_as_the_server_asks() -> None:
    transport = Scripted(Answer(429, orjson.dumps({"message": "slow down"}), "7"))
    asked = api(transport)
    with pytest.raises(errors.TooManyRequests) as caught:
        await asked.create("/x", {})
    assert caught.value.retry_after == 7
    await asked.create("/x", {})
    assert asyncio.get_running_loop().time() == 7


@virtual
async def test_writes_keep_to_the_rate_after_a_burst_of_two_seconds_worth() -> None:
    transport = Scripted()
    asked = api(transport, writes_per_second=10)
    await asyncio.gather(*(asked.create("/x", {}) for _ in range(70)))
    assert asyncio.get_running_loop().time() == pytest.approx(5)
    await asked.get("/x")
    assert asyncio.get_running_loop().time() == pytest.approx(5)


@virtual
async def test_a_server_that_does_not_answer_is_given_up() -> None:
    fake = server()
    fake.latency = 1000
    asked = Api(fake, VirtualClock(), Limits(timeout=30), Metrics())
    with pytest.raises(errors.Unavailable, match="within 30 s"):
        await asked.get("/api/v1/configmaps")
    assert asyncio.get_running_loop().time() == 30
