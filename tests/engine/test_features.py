"""What the API server can do is read off an object that it would store."""

import orjson
import pytest

from berth.engine.api import Answer, Api, Limits, Request
from berth.engine.features import features_of
from berth.engine.metrics import Metrics
from berth.plan.features import Feature
from berth.resources import DEPLOYMENT
from support.fake_api import refuse
from support.virtual_time import VirtualClock, virtual

FEATURE = Feature("Sails", DEPLOYMENT, {"spec": {"sails": [{"size": 3}]}})


class Scripted:
    """Answers as told, in order."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Answer:
        self.sent.append(request)
        return self.answers.pop(0)

    async def renew_login(self) -> None:
        return

    async def close(self) -> None:
        return


def kept(**spec: object) -> Answer:
    return Answer(201, orjson.dumps({"spec": spec}))


CASES: list[tuple[list[Answer], set[str]]] = [
    ([kept(sails=[{"size": 3, "colour": "white"}], more=1)], {"Sails"}),
    ([kept()], set()),
    ([kept(sails=[])], set()),
    ([kept(sails=[{"size": 2}])], set()),
    ([refuse(422), refuse(422)], set()),
    ([refuse(404), kept(sails=[{"size": 3}])], {"Sails"}),
    ([refuse(403), kept(sails=[{"size": 3}])], {"Sails"}),
    ([refuse(503), kept(sails=[{"size": 3}])], {"Sails"}),
]


@pytest.mark.parametrize(("answers", "found"), CASES)
def test_a_feature_is_there_when_what_was_asked_for_comes_back(answers: list[Answer], found: set[str]) -> None:
    transport = Scripted(*answers)

    @virtual
    async def run() -> None:
        api = Api(transport, VirtualClock(), Limits(500), Metrics())
        assert await features_of(api, [FEATURE], ("one", "two")) == found
        assert all(request.query["dryRun"] == "All" for request in transport.sent)

    run()
