"""The fake API server cannot drift into a fantasy: the lab's real one gives the same answers to the same requests."""

import asyncio

import pytest

from berth.engine.credentials import Credentials, from_kubeconfig
from berth.engine.key import Key
from berth.engine.transport import HttpTransport
from faults.conversation import PLACE, Said, differing, held
from faults.http import Http
from faults.kube import ControlPlane
from faults.server import Server
from faults.workloads import platform
from faults.writes import NAMESPACE
from support.cluster import Cluster
from support.virtual_time import VirtualLoop


def with_the_fake() -> Said:
    async def talk() -> Said:
        server = Server(step=3)
        ControlPlane(server)
        platform(server)
        server.commit(Key(NAMESPACE, "", PLACE), {"kind": "Namespace", "metadata": {}}, {}, "admin")
        http = Http(server, "berth")

        async def send(request: object) -> object:
            await asyncio.sleep(0.01)
            return http.serve(request)  # type: ignore[arg-type]

        return await held(send)  # type: ignore[arg-type]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(talk())


async def with_the_real(cluster: Cluster) -> Said:
    transport = HttpTransport(Credentials(lambda: from_kubeconfig(str(cluster.kubeconfig))))
    cluster.create_namespace(PLACE)
    try:
        return await held(transport.send)
    finally:
        await transport.close()
        cluster.discard("namespace", PLACE)


@pytest.mark.cluster
def test_the_fake_answers_as_the_real_one(cluster: Cluster) -> None:
    assert differing(with_the_fake(), asyncio.run(with_the_real(cluster))) == []
