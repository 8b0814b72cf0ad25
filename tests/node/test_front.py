"""What a request feels: none is lost while tasks are replaced and taken away, and names lead where they should."""

import json
from typing import Any

from berth import names
from support.cluster import Cluster
from support.front import BUSY, HOST, PROBE, URL, all_pods, answered_by, balanced, deployed, of_revision, reason, way_in
from support.load import load
from support.manifests import service, task_definition
from support.tasks import pods, wait_ready
from support.waiting import eventually

Json = dict[str, Any]
ONE_FAILURE: Json = {
    "minimumHealthyPercent": 100,
    "maximumPercent": 125,
    "deploymentCircuitBreaker": {
        "enable": True,
        "rollback": True,
        "thresholdConfiguration": {"type": "COUNT", "value": 1},
    },
}
"""One task after the other, and back at the first that fails."""
PLAIN = 4
ROUNDS = 6
"""How often the control is rolled until it has lost a request."""


def test_no_request_is_lost_by_a_deployment_nor_by_scaling_in(fronted: Cluster, gated: str) -> None:
    front = balanced(healthCheck={"path": "/healthz", "interval": 5}, deregistrationDelay=5)
    fronted.apply(
        task_definition(containerDefinitions=[PROBE]), service(desiredCount=4, loadBalancers=front), namespace=gated
    )
    wait_ready(fronted, gated)
    with load(way_in(fronted), URL, HOST) as asked:
        newer = {**PROBE, "environment": [{"name": "RELEASE", "value": "2"}]}
        fronted.apply(task_definition(containerDefinitions=[newer]), namespace=gated)
        eventually(lambda: deployed(fronted, gated) == "web:2", what="the newest revision is deployed")
        wait_ready(fronted, gated)
        fronted.kubectl("scale", "ecssvc/web", "--replicas=1", "-n", gated)
        eventually(lambda: len(all_pods(fronted, gated)) == 1, what="three tasks are gone")
    assert dict(asked.failures) == {}
    assert asked.requests > BUSY


def test_no_request_is_lost_by_a_rollback(fronted: Cluster, gated: str) -> None:
    """Some tasks of the deployment that fails serve already, and an old one has stopped, when it turns back."""
    front = balanced(healthCheck={"path": "/healthz", "interval": 5}, deregistrationDelay=5)
    spec: Json = {"desiredCount": 4, "loadBalancers": front, "deploymentConfiguration": ONE_FAILURE}
    fronted.apply(task_definition(containerDefinitions=[PROBE]), service(**spec), namespace=gated)
    wait_ready(fronted, gated)
    with load(way_in(fronted), URL, HOST) as asked:
        slow = {**PROBE, "command": [*PROBE["command"], "-ready-after", "8s"]}
        fronted.apply(task_definition(containerDefinitions=[slow]), namespace=gated)
        eventually(lambda: of_revision(fronted, gated, "web:2", ready=True), what="a new task serves")
        eventually(lambda: len(of_revision(fronted, gated, "web:1", ready=True)) < 4, what="an old task has stopped")
        late = eventually(lambda: of_revision(fronted, gated, "web:2", ready=False), what="another one starts")
        _end(fronted, late[0])
        eventually(lambda: reason(fronted, gated) == "RolledBack", 240, "the deployment is rolled back")
        eventually(lambda: len(all_pods(fronted, gated)) == 4, what="its tasks are gone")
        eventually(lambda: len(of_revision(fronted, gated, "web:1", ready=True)) == 4, what="all serve again")
    assert dict(asked.failures) == {}
    assert asked.requests > BUSY


def test_no_request_is_lost_by_a_switch_to_other_tasks_and_its_way_back(fronted: Cluster, gated: str) -> None:
    front = balanced(healthCheck={"path": "/healthz", "interval": 5}, deregistrationDelay=5)
    spec: Json = {"desiredCount": 2, "loadBalancers": front}
    fronted.apply(_release(1), service(**spec, deploymentConfiguration=_bake(0)), namespace=gated)
    wait_ready(fronted, gated)
    with load(way_in(fronted), URL, HOST) as asked:
        fronted.apply(_release(2), namespace=gated)
        eventually(lambda: deployed(fronted, gated) == "web:2", what="the newest revision is deployed")
        wait_ready(fronted, gated, within=120)
        eventually(lambda: len(all_pods(fronted, gated)) == 2, what="the first set of tasks is gone")
        kept = {one["metadata"]["name"] for one in pods(fronted, gated)}
        fronted.apply(service(**spec, deploymentConfiguration=_bake(10)), _release(3), namespace=gated)
        eventually(lambda: _stage(fronted, gated) == "BAKE_TIME", 240, "all requests go to other tasks")
        eventually(lambda: answered_by(fronted, "/") not in kept, what="a new task answers")
        fronted.kubectl("annotate", "ecssvc/web", f"{names.STOP_DEPLOYMENT}=rollback", "-n", gated)
        eventually(lambda: reason(fronted, gated) == "RolledBack", 240, "the requests go where they went before")
        eventually(lambda: len(all_pods(fronted, gated)) == 2, what="the other tasks are gone")
        assert answered_by(fronted, "/") in kept
    assert {one["metadata"]["name"] for one in pods(fronted, gated)} == kept
    assert dict(asked.failures) == {}
    assert asked.requests > BUSY


def test_a_canary_gets_its_part_of_the_requests_and_all_that_are_tests(fronted: Cluster, gated: str) -> None:
    front = balanced(testTrafficRules={"header": {"name": "X-Test", "value": {"exact": "green"}}})
    canary = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 25, "canaryBakeTimeInMinutes": 10}}
    spec: Json = {"desiredCount": 2, "loadBalancers": front, "deploymentConfiguration": canary}
    fronted.apply(_release(1), service(**spec), namespace=gated)
    wait_ready(fronted, gated)
    old = {one["metadata"]["name"] for one in pods(fronted, gated)}
    fronted.apply(_release(2), namespace=gated)
    eventually(lambda: _stage(fronted, gated) == "PRODUCTION_TRAFFIC_SHIFT", 240, "the canary gets requests")
    eventually(lambda: answered_by(fronted, "/") not in old, what="the gateway follows the route")
    assert not {answered_by(fronted, "/", "X-Test: green") for _ in range(20)} & old
    assert {answered_by(fronted, "/", "X-Test: blue") for _ in range(20)} & old
    answered = [answered_by(fronted, "/") not in old for _ in range(200)]
    # By chance once in some ten thousand runs it is more than four standard deviations from a quarter.
    assert 25 <= sum(answered) <= 75
    fronted.kubectl("annotate", "ecssvc/web", f"{names.STOP_DEPLOYMENT}=rollback", "-n", gated)
    eventually(lambda: reason(fronted, gated) == "RolledBack", 240, "the requests go where they went before")
    eventually(lambda: {answered_by(fronted, "/", "X-Test: green") for _ in range(20)} <= old, what="tests, too")


def test_several_tasks_of_a_bridge_with_dynamic_ports_share_a_node(fronted: Cluster, gated: str) -> None:
    """On ECS each gets a port of the instance of its own; here each has an address of its own."""
    mapped = {**PROBE, "portMappings": [{"containerPort": 8080, "hostPort": 0, "name": "http"}]}
    fronted.apply(
        task_definition(containerDefinitions=[mapped], networkMode="bridge"),
        service(desiredCount=3, loadBalancers=balanced()),
        namespace=gated,
    )
    wait_ready(fronted, gated)
    tasks = {one["metadata"]["name"]: one["spec"]["nodeName"] for one in pods(fronted, gated)}
    assert len(tasks) == 3
    assert len(set(tasks.values())) == 1
    seen: set[str] = set()
    eventually(lambda: seen.add(answered_by(fronted, "/")) or seen == tasks.keys(), what="each of them answered")  # type: ignore[func-returns-value]


def test_a_plain_deployment_loses_some(fronted: Cluster, gated: str) -> None:
    """The control: the same tasks, probe, gateway and load, without Berth."""
    fronted.apply(*_plain(), namespace=gated)
    fronted.kubectl("rollout", "status", "deployment/plain", "-n", gated, "--timeout=120s")
    # On a busy machine a round may be lucky.
    assert any(_lost_by_a_rollout(fronted, gated) for _ in range(ROUNDS))


def _release(number: int) -> Json:
    container = {**PROBE, "environment": [{"name": "RELEASE", "value": str(number)}]}
    return task_definition(containerDefinitions=[container])


def _bake(minutes: int) -> Json:
    return {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": minutes}


def _stage(cluster: Cluster, namespace: str) -> str:
    found = cluster.get("ecssvc", "web", namespace)
    return str(found["status"]["deployments"][0].get("lifecycleStage", "")) if found else ""


def _lost_by_a_rollout(fronted: Cluster, gated: str) -> int:
    with load(way_in(fronted), URL, HOST) as asked:
        fronted.kubectl("rollout", "restart", "deployment/plain", "-n", gated)
        fronted.kubectl("rollout", "status", "deployment/plain", "-n", gated, "--timeout=120s")
        eventually(lambda: len(all_pods(fronted, gated)) == PLAIN, what="the old tasks are gone")
    return sum(asked.failures.values())


def test_two_services_share_a_host_by_path_and_redirect(fronted: Cluster, gated: str) -> None:
    redirect = {"paths": ["/old/*"], "path": "/new", "statusCode": "HTTP_302"}
    fronted.apply(
        task_definition(containerDefinitions=[PROBE]),
        service(loadBalancers=balanced(redirects=[redirect])),
        service("api", loadBalancers=balanced(paths=["/api/*", "/login"])),
        namespace=gated,
    )
    for name in ("web", "api"):
        wait_ready(fronted, gated, name)
    (web,), (api,) = (pods(fronted, gated, name) for name in ("web", "api"))
    of_web, of_api = (one["metadata"]["name"] for one in (web, api))
    wanted = {
        "/": of_web,
        "/apis": of_web,
        "/login/deeper": of_web,
        "/api": of_api,
        "/api/1": of_api,
        "/login": of_api,
    }
    # A gateway says that it took a route as it begins to follow it.
    eventually(lambda: {path: answered_by(fronted, path) for path in wanted} == wanted, what="each path leads there")
    assert fronted.lab is not None
    ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "-H", f"Host: {HOST}", f"{URL}old/1"]
    assert fronted.lab.inside(ask).stdout == f"302 http://{HOST}/new"


def test_others_call_a_service_by_its_aliases_and_find_every_task(fronted: Cluster, gated: str) -> None:
    connect = {"enabled": True, "services": [{"portName": "http", "clientAliases": [{"port": 80, "dnsName": "shop"}]}]}
    fronted.apply(
        task_definition(containerDefinitions=[PROBE]),
        service(desiredCount=2, serviceConnectConfiguration=connect, serviceRegistries=[{}]),
        namespace=gated,
    )
    wait_ready(fronted, gated)
    tasks = pods(fronted, gated)
    ask = ["exec", tasks[0]["metadata"]["name"], "-n", gated, "--", "wget", "-qO-", "http://shop/"]
    answer = json.loads(eventually(lambda: fronted.kubectl(*ask, check=False).stdout, what="the alias answers"))
    assert answer["hostname"] in {one["metadata"]["name"] for one in tasks}
    name = f"_http._tcp.web-tasks.{gated}.svc.cluster.local"
    look = ["exec", tasks[0]["metadata"]["name"], "-n", gated, "--", "nslookup", "-type=srv", name]
    records = lambda: _lines(fronted.kubectl(*look, check=False).stdout, " 8080 ")  # noqa: E731
    eventually(lambda: len(records()) == 2, what="an SRV record for each task")


def _lines(text: str, part: str) -> list[str]:
    return [line for line in text.splitlines() if part in line]


def _end(cluster: Cluster, pod: Json) -> None:
    """Its container ends with an error, as one does that finds no database."""
    assert cluster.lab is not None
    cluster.lab.inside(["curl", "-s", f"http://{pod['status']['podIP']}:8080/exit?code=3"], check=False)


def _plain() -> list[Json]:
    labels = {"app": "plain"}
    container = {
        "name": "web",
        "image": PROBE["image"],
        "args": PROBE["command"],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    backend = {"name": "plain", "port": 8080}
    spec = {"parentRefs": [{"name": "public"}], "hostnames": [HOST], "rules": [{"backendRefs": [backend]}]}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "plain"},
            "spec": {"replicas": PLAIN, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "plain"},
            "spec": {"selector": labels, "ports": [{"port": 8080}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "plain"},
            "spec": spec,
        },
    ]
