"""Tokens that objects are made of, over days of virtual time: renewed, kept while they cannot be, seen by nobody."""

import json
import logging
from base64 import b64decode
from datetime import datetime, timedelta

import pytest

from berth.controllers import TABLE
from berth.engine.tokens import NotIssued, Token
from berth.names import PULL_SECRET, TOKENS
from berth.plan.outcome import Json
from berth.resources import EVENT, SECRET, TASK_DEFINITION_REVISION
from support.fake_api import Server
from support.rig import running
from support.virtual_time import VirtualClock, virtual

HOST = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
PLATFORM = {"ecr": {"registries": [{"account": "111122223333", "region": "eu-west-1"}]}}
WITH_SECRETS = TABLE.using((SECRET,))
HOUR = 3600


class Ecr:
    """Hands out tokens for twelve hours, or says why not."""

    name = HOST
    renew_seconds = 6.0 * HOUR

    def __init__(self) -> None:
        self.issued: list[datetime] = []
        self.asked = 0
        self.problem: Exception | None = None

    async def issue(self) -> Token:
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        now = VirtualClock().now()
        self.issued.append(now)
        return Token(f"SECRET-TOKEN-{len(self.issued)}", now, now + timedelta(hours=12))


def server(*namespaces: str) -> Server:
    api = Server(*(watch.resource for watch in WITH_SECRETS.watches), EVENT)
    for namespace in namespaces:
        register(api, namespace)
    return api


def register(api: Server, namespace: str, image: str = f"{HOST}/shop/web:1") -> None:
    spec = {"taskDefinition": "web", "revision": 1, "family": "web", "containerDefinitions": [_container(image)]}
    api.put(TASK_DEFINITION_REVISION, "web-1", namespace=namespace, spec=spec)


def _container(image: str) -> Json:
    return {"name": "web", "image": image}


def token_in(api: Server, namespace: str = "shop") -> str | None:
    """What a kubelet would pull with."""
    secret = api.get(SECRET, PULL_SECRET, namespace)
    if secret is None:
        return None
    config = json.loads(b64decode(secret["data"][".dockerconfigjson"]))
    return str(config["auths"][HOST]["auth"])


def expires(api: Server, namespace: str = "shop") -> datetime:
    secret = api.get(SECRET, PULL_SECRET, namespace)
    assert secret is not None
    return datetime.fromisoformat(json.loads(secret["metadata"]["annotations"][TOKENS])[HOST][1])


def ready(api: Server, namespace: str = "shop") -> Json:
    revision = api.get(TASK_DEFINITION_REVISION, "web-1", namespace)
    assert revision is not None
    return dict(next(one for one in revision["status"]["conditions"] if one["type"] == "Ready"))


def writes_of_secrets(api: Server) -> int:
    return sum("/secrets/" in one for one in api.writes())


@virtual
async def test_one_token_serves_all_namespaces_that_pull_and_no_other() -> None:
    api, ecr = server("shop", "blog", "wiki"), Ecr()
    register(api, "plain", "shop/web:1")
    async with running(api, WITH_SECRETS, (ecr,), platform=PLATFORM) as rig:
        await rig.settle()
        assert [token_in(api, one) for one in ("shop", "blog", "wiki", "plain")] == [*["SECRET-TOKEN-1"] * 3, None]
        assert ready(api)["status"] == "True"
        assert (ecr.asked, writes_of_secrets(api)) == (1, 3)
        await rig.settle(4 * HOUR)
        assert (ecr.asked, writes_of_secrets(api)) == (1, 3)


@virtual
async def test_it_is_renewed_long_before_it_expires_in_each_namespace_at_another_time() -> None:
    places = [f"team-{number}" for number in range(20)]
    api, ecr = server(*places), Ecr()
    async with running(api, WITH_SECRETS, (ecr,), platform=PLATFORM) as rig:
        await rig.settle()
        left: list[timedelta] = []
        busiest = 0
        for _ in range(48 * 12):
            before = writes_of_secrets(api)
            await rig.settle(HOUR / 12)
            busiest = max(busiest, writes_of_secrets(api) - before)
            left += [expires(api, place) - VirtualClock().now() for place in places]
        assert min(left) > timedelta(hours=4)
        assert 8 <= ecr.asked <= 11, "once for each renewal, not for each namespace"
        assert 0 < busiest < len(places) / 2, "spread over an hour, not all at once"
        assert {token_in(api, place) for place in places} <= {f"SECRET-TOKEN-{ecr.asked - less}" for less in (0, 1)}


@virtual
async def test_while_it_cannot_be_renewed_the_old_one_stays_and_the_revision_says_so() -> None:
    api, ecr = server("shop"), Ecr()
    async with running(api, WITH_SECRETS, (ecr,), platform=PLATFORM) as rig:
        await rig.settle()
        ecr.problem = NotIssued("ECR says AccessDeniedException: not you")
        await rig.settle(8 * HOUR)
        assert token_in(api) == "SECRET-TOKEN-1"
        assert ready(api)["status"] == "True"
        assert "expires at 2030-01-01T12:00:00Z and cannot be renewed: ECR says AccessDenied" in ready(api)["message"]
        told = [api.get(EVENT, name, "shop") or {} for name in api.names(EVENT)]
        assert [one["reason"] for one in told] == ["RegistryTokenNotRenewed"]
        assert ecr.asked < 100, "with patience"
        await rig.settle(5 * HOUR)
        assert (ready(api)["status"], ready(api)["reason"]) == ("False", "RegistryTokenMissing")
        assert writes_of_secrets(api) == 1
        ecr.problem = None
        await rig.settle(400)
        assert token_in(api) == "SECRET-TOKEN-2"
        assert ready(api)["status"] == "True"
        assert "renewed" not in ready(api)["message"]


@virtual
async def test_an_issuer_that_breaks_harms_nobody() -> None:
    api, ecr = server("shop"), Ecr()
    ecr.problem = RuntimeError("SECRET-TOKEN in an error")
    async with running(api, WITH_SECRETS, (ecr,), platform=PLATFORM) as rig:
        await rig.settle()
        assert "the operator could not ask for it (RuntimeError)" in ready(api)["message"]
        ecr.problem = None
        await rig.settle(60)
        assert token_in(api) == "SECRET-TOKEN-1"


@virtual
async def test_a_restart_leaves_tokens_that_are_good_and_a_revision_stays_ready() -> None:
    api, first, second = server("shop"), Ecr(), Ecr()
    async with running(api, WITH_SECRETS, (first,), platform=PLATFORM) as rig:
        await rig.settle(HOUR)
    api.requests.clear()
    second.problem = NotIssued("ECR is away")
    async with running(api, WITH_SECRETS, (second,), platform=PLATFORM) as rig:
        await rig.settle(HOUR)
        assert writes_of_secrets(api) == 0
        assert ready(api)["status"] == "True"
        second.problem = None
        await rig.settle(HOUR)
        assert writes_of_secrets(api) == 0
        await rig.settle(6 * HOUR)
        # A token that this process got earlier is taken, and soon replaced by its next.
        assert 1 <= writes_of_secrets(api) <= 2
        assert (expires(api) - VirtualClock().now()) > timedelta(hours=5)


@virtual
async def test_what_somebody_put_into_it_is_replaced() -> None:
    api, ecr = server("shop"), Ecr()
    async with running(api, WITH_SECRETS, (ecr,), platform=PLATFORM) as rig:
        await rig.settle()
        secret = api.get(SECRET, PULL_SECRET, "shop")
        assert secret is not None
        api.put(SECRET, PULL_SECRET, namespace="shop", data={".dockerconfigjson": "e30="})
        await rig.settle()
        assert token_in(api) == "SECRET-TOKEN-1"


@virtual
async def test_it_goes_with_the_last_revision_and_comes_with_the_next() -> None:
    api, ecr = server("shop"), Ecr()
    async with running(api, WITH_SECRETS, (ecr,), platform=PLATFORM) as rig:
        await rig.settle()
        api.remove(TASK_DEFINITION_REVISION, "web-1", "shop")
        await rig.settle()
        assert token_in(api) is None
        register(api, "shop")
        await rig.settle()
        assert token_in(api) == "SECRET-TOKEN-1"
        assert rig.metrics.value("berth_sweep_repairs_total") == 0


@virtual
async def test_nobody_sees_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api, ecr = server("shop"), Ecr()
    async with running(api, WITH_SECRETS, (ecr,), platform=PLATFORM) as rig:
        await rig.settle(14 * HOUR)
        records = [
            one for watch in (*WITH_SECRETS.watches, *TABLE.held) for one in rig.engine.store.of_kind(watch.resource)
        ]
        assert any(one.key.resource == SECRET for one in records)
        assert not any(b"SECRET-TOKEN" in one.kept or b"dockerconfig" in one.kept for one in records)
        assert "SECRET-TOKEN" not in rig.metrics.text()
        assert "SECRET-TOKEN" not in repr(rig.engine._tokens._held)
    sent = [one for one in api.requests if one.body and b"SECRET-TOKEN" in one.body]
    assert all(one.path.endswith(f"/secrets/{PULL_SECRET}") for one in sent)
    assert "SECRET-TOKEN" not in caplog.text
