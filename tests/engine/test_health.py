import asyncio

from aiohttp import ClientSession

from berth.engine.clock import SystemClock
from berth.engine.health import Health
from berth.engine.key import Key
from berth.engine.lease import Leadership
from berth.engine.metrics import Metrics
from berth.settings import Settings
from support.fake_api import lost
from support.rig import Rig, running, server
from support.toy import THING
from support.virtual_time import VirtualClock, virtual


@virtual
async def test_a_process_is_ready_when_it_read_the_lease_or_listed_everything() -> None:
    api = server()
    async with running(api) as rig:
        settings = Settings(operator_namespace="default")
        health = Health(VirtualClock(), settings, Metrics())
        assert health.unready() == "the lease was not read yet"
        health.leadership = Leadership(rig.api, VirtualClock(), settings, "one", Metrics())
        assert health.unready()
        await health.leadership.acquire()
        assert not health.unready()
        health.engine = rig.engine
        assert not health.unready()
        rig.engine.listed.clear()
        assert health.unready() == "not everything is listed yet"


@virtual
async def test_a_process_whose_sweeps_fail_for_long_is_ill() -> None:
    api = server()
    async with running(api, sweep_seconds=60) as rig:
        health = Health(VirtualClock(), Settings(sweep_seconds=60), Metrics())
        health.engine = rig.engine
        await asyncio.sleep(1000)
        assert not health.ailment()
        api.before = lost
        await asyncio.sleep(300)
        assert health.ailment().startswith("no sweep has finished for")


@virtual
async def test_a_key_that_nobody_works_on_is_an_illness() -> None:
    engine = Rig(server(), Settings()).engine  # without workers
    health = Health(VirtualClock(), Settings(sweep_seconds=10_000), Metrics())
    health.engine = engine
    engine.listed.set()
    engine.queue.add(Key(THING, "default", "a"))
    await asyncio.sleep(500)
    assert not health.ailment()
    await asyncio.sleep(101)
    assert health.ailment() == "a key has been waiting for 601 s"


async def test_it_answers_over_http(unused_tcp_port: int) -> None:
    settings = Settings(health_port=unused_tcp_port, health_address="127.0.0.1")
    metrics = Metrics()
    metrics.counter("berth_example_total", "An example.")
    health = Health(SystemClock(), settings, metrics)
    serving = asyncio.create_task(health.serve())
    async with ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as session:
        async with asyncio.timeout(60):
            while True:
                try:
                    response = await session.get("/healthz")
                    break
                except OSError:
                    await asyncio.sleep(0)
        assert (response.status, await response.text()) == (200, "ok")
        response = await session.get("/readyz")
        assert response.status == 503
        response = await session.get("/metrics")
        text = await response.text()
        assert "# HELP berth_example_total An example." in text
        assert "berth_example_total 0" in text
        assert "berth_loop_lag_seconds" in text
    serving.cancel()
    await asyncio.wait((serving,))


def test_figures_in_prometheus_own_format() -> None:
    metrics = Metrics()
    metrics.count("hits_total", (("path", 'a"b\\c\n'),))
    metrics.count("hits_total", (("path", 'a"b\\c\n'),), by=2)
    metrics.gauge("level", "How high.", lambda: 1.5)
    metrics.observe("seconds", 0.05)
    metrics.observe("seconds", 100)
    lines = metrics.text().splitlines()
    assert 'hits_total{path="a\\"b\\\\c\\n"} 3' in lines
    assert "level 1.5" in lines
    assert 'seconds_bucket{le="0.1"} 1' in lines
    assert 'seconds_bucket{le="+Inf"} 2' in lines
    assert "seconds_count 2" in lines
    assert metrics.value("hits_total") == 3
