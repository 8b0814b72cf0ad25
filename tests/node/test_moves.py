"""What a request feels while tasks move: nothing. On one real node, so tasks move from one provider to another on it.

What a notice on one of two real nodes is like stands in test_notice.py.
"""

from pathlib import Path

from support.cluster import Cluster
from support.manifests import capacity_provider, service, strategy, task_definition
from support.tasks import pods, wait_ready
from support.traffic import Traffic
from support.waiting import eventually

PROBE = {
    "name": "web",
    "image": "berth.local/probe:1",
    "command": ["serve", "-port", "8080"],
    "portMappings": [{"containerPort": 8080, "name": "http"}],
}


def test_no_request_fails_while_tasks_move(real: Cluster, place: str, tmp_path: Path) -> None:
    for name in ("here", "there"):
        provider = capacity_provider(name, type="EC2")
        provider["spec"]["nodes"] = {}
        real.apply(provider)
    try:
        mix = strategy(here=(0, 1))
        wanted = service(desiredCount=2, capacityProviderStrategy=mix)
        real.apply(task_definition(containerDefinitions=[PROBE], cpu="128", memory="128"), wanted, namespace=place)
        wait_ready(real, place)
        before = {pod["metadata"]["name"] for pod in pods(real, place)}
        address = (real.get("svc", "web", place) or {})["spec"]["clusterIP"]
        traffic = Traffic(real, f"{address}:8080", str(tmp_path / "traffic"))
        try:
            real.apply(service(desiredCount=2, capacityProviderStrategy=strategy(there=(0, 1))), namespace=place)
            eventually(lambda: not before & {pod["metadata"]["name"] for pod in real.all("pods", place)}, 120)
            wait_ready(real, place)
        finally:
            said = traffic.stop()
        assert set(said) == {"200"}, "a request failed"
        assert len(said) > 500, "too few requests to tell"
    finally:
        for name in ("here", "there"):
            real.delete("cprov", name)
