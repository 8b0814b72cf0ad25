"""Every form in which people keep definitions of ECS is read, and what is none of them leads on."""

import json
from typing import Any

import pytest

from berth.importer.read import decoded, documents
from berth.importer.run import Imported, import_files
from importer.leaves import paths, unaccounted

CONTAINER = {"name": "web", "image": "shop/web:1", "memory": 64}
TASK = {"family": "web", "containerDefinitions": [CONTAINER]}
SERVICE = {"serviceName": "web", "taskDefinition": "web:3", "desiredCount": 2}


def _imported(content: Any, name: str = "web.json") -> Imported:
    data = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    result = import_files([(name, data if data is not None else json.dumps(content).encode())])[0]
    if not result.error:
        read = documents(decoded(data if data is not None else json.dumps(content).encode()))
        whole = read[0] if len(read) == 1 else read
        assert unaccounted(whole, [row.path for row in result.rows]) == []
    return result


def _kinds(result: Imported) -> list[str]:
    return [f"{one['kind']}/{one['metadata']['name']}" for one in result.manifests]


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        ({"taskDefinition": TASK, "tags": [{"key": "a", "value": "b"}]}, ["TaskDefinition/web"]),
        ({"taskDefinition": TASK, "service": SERVICE}, ["TaskDefinition/web", "Service/web"]),
        ({"taskDefinition": TASK, "services": [SERVICE], "failures": []}, ["TaskDefinition/web", "Service/web"]),
        ({"taskDefinitions": [TASK, {**TASK, "family": "b"}]}, ["TaskDefinition/web", "TaskDefinition/b"]),
        ({"TaskDefinition": {"Family": "web", "ContainerDefinitions": [{"Name": "a", "Image": "x:1"}]}},
         ["TaskDefinition/web"]),
        ([TASK, {"services": [SERVICE]}], ["TaskDefinition/web", "Service/web"]),
        ([CONTAINER, {"name": "side"}], ["TaskDefinition/web"]),
        (CONTAINER, ["TaskDefinition/web"]),
        ({"service": "web", "cluster": "c", "taskDefinition": "web:4", "forceNewDeployment": True},
         ["Cluster/c", "Service/web"]),
        ({"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["a"]}}},
         ["Service/web"]),
        ({"cluster": {"clusterName": "c", "status": "ACTIVE"}}, ["Cluster/c"]),
        ({"capacityProvider": {"name": "m"}}, ["CapacityProvider/m"]),
        ({"defaultCapacityProviderStrategy": [{"capacityProvider": "m"}]}, ["Cluster/default"]),
        ({"cluster": "arn:aws:ecs:x:1:cluster/c", "capacityProviders": [], "defaultCapacityProviderStrategy": []},
         ["Cluster/c"]),
        ([{"clusterName": "c"}, {**SERVICE, "cluster": "c"}], ["Cluster/c", "Service/web"]),
        ({"services": [SERVICE, {**SERVICE, "serviceName": "two"}]}, ["Service/web", "Service/two"]),
        (json.dumps(TASK) + "\n" + json.dumps(SERVICE) + "\n", ["TaskDefinition/web", "Service/web"]),
        (json.dumps([CONTAINER]) + "\n" + json.dumps([CONTAINER]), ["TaskDefinition/web"]),
        ("family: a\ncontainerDefinitions: [{name: a, image: 'x:1'}]\n---\nserviceName: b\ntaskDefinition: a\n---\n",
         ["TaskDefinition/a", "Service/b"]),
        (json.dumps(TASK, indent=1).replace("\n", "\r\n"), ["TaskDefinition/web"]),
        (json.dumps(TASK, indent="\t"), ["TaskDefinition/web"]),
        (b"\xef\xbb\xbf" + json.dumps(TASK).encode(), ["TaskDefinition/web"]),
        (json.dumps(TASK).encode("utf-16"), ["TaskDefinition/web"]),
        (json.dumps(TASK).encode("utf-16-le"), ["TaskDefinition/web"]),
        (json.dumps(TASK).encode("utf-32"), ["TaskDefinition/web"]),
    ],
)  # fmt: skip
def test_a_form_is_read(content: Any, kinds: list[str]) -> None:
    result = _imported(content)
    assert not result.error, result.error
    assert _kinds(result) == kinds


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ({"tasks": [{"lastStatus": "RUNNING"}], "failures": []}, "x.json", "task definition that they name"),
        ({"taskDefinitionArns": ["arn"]}, "x.json", "describe-task-definition"),
        ({"clusterArns": ["arn"]}, "x.json", "describe-clusters"),
        ({"clusters": [], "failures": [{"arn": "arn:c", "reason": "MISSING"}]}, "x.json", "arn:c is MISSING"),
        ({"cluster": {"name": "eks", "arn": "arn:aws:eks:x"}}, "x.json", "no task definition"),
        ({"clusterName": "eks", "nodegroupName": "a", "subnets": ["b"]}, "x.json", "no task definition"),
        ({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "a"}]}, "x.json", "Kubernetes manifest"),
        ({"cluster": "c", "taskDefinition": "web", "count": 1, "launchType": "FARGATE"}, "x.json", "run-task"),
        ([{"name": "web", "imageUri": "x:1"}], "imagedefinitions.json", "CodePipeline"),
        ({"version": 1, "task_definition": {"ecs_network_mode": "awsvpc"}}, "ecs-params.yml", "ecs-cli"),
        ("name: api\ntype: Backend Service\nimage: {build: Dockerfile}\n", "manifest.yml", "copilot svc package"),
        ("version: 0.0\nResources:\n- TargetService: {Type: AWS::ECS::Service}\n", "appspec.yaml", "AppSpec"),
        ("name: Deploy\non: push\njobs: {}\n", "deploy.yml", "workflow of GitHub"),
        ('resource "aws_ecs_service" "web" {\n  name = "web"\n}\n', "main.tf", "Terraform"),
        ("local f = import 'x.libsonnet';\n{ family: f.name }\n", "ecs-task-def.jsonnet", "render it first"),
        ({"services": [], "failures": [{"arn": "arn:web", "reason": "MISSING"}]}, "x.json", "arn:web is MISSING"),
        ("family: a\ncontainerDefinitions: []\n---\nfoo: bar\n", "x.yaml", "[1] is no task definition"),
        ("family: web\ncontainerDefinitions:\n\t- name: web\n", "x.yaml", "x.yaml:3: is neither JSON nor YAML: a tab"),
        ('{"family": "web",\n "cmd": "C:\\app"}', "x.json", "x.json:2: is broken JSON"),
    ],
)  # fmt: skip
def test_what_is_none_of_them_leads_on(content: Any, name: str, said: str) -> None:
    result = _imported(content, name)
    assert said in result.error
    assert result.error.startswith(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"family": "a",\n "family": "b",\n "containerDefinitions": []}',
         "family stands twice in one object (lines 1 and 2)"),
        ("family: a\ncontainerDefinitions:\n- name: web\n  image: x\n  image: y\n",
         "image stands twice in one object (lines 4 and 5)"),
        ('{"containerDefinitions": [{"name": "a"},\n{"name": "b", "image": "\\"name\\": 1",\n\n"name": "c"}]}',
         "name stands twice in one object (lines 2 and 4)"),
        ("family: a\ncontainerDefinitions:\n- &a {name: a, image: x}\n- {<<: *a, name: b, cpu: 1, cpu: 2}\n",
         "cpu stands twice in one object (line 4)"),
    ],
)  # fmt: skip
def test_a_key_that_stands_twice_is_told_by_line(text: str, said: str) -> None:
    assert [remark for remark in _imported(text).remarks if "twice" in remark] == [f"{said}: the last one counts"]


def test_a_merge_is_no_key_twice() -> None:
    text = "family: a\nx-log: &log {logDriver: json-file}\ncontainerDefinitions:\n- &a {name: a, image: x}\n"
    result = _imported(
        text + "- {<<: *a, name: b}\n- {<<: *a, name: c, logConfiguration: {<<: *log, logDriver: syslog}}\n"
    )
    assert not any("twice" in remark for remark in result.remarks)
    assert {row.path: row.verdict for row in result.rows}["x-log.logDriver"] == "ignored"


@pytest.mark.parametrize(
    "left",
    ["<IMAGE>", "<IMAGE1_NAME>", "${VAR}", "{{ must_env `TAG` }}", "%VAR%", "$(VAR)", "$VAR", "@@VAR@@", "#{VAR}#",
     "__VAR__", "<%= @image %>", "YOUR_IMAGE", "{AWS_ID}", "TAG_HERE", "{{resolve:ssm:/shop}}", "<my-app>"],
)  # fmt: skip
def test_a_placeholder_is_named(left: str) -> None:
    result = _imported({**TASK, "containerDefinitions": [{**CONTAINER, "user": left, "workingDirectory": left}]})
    row = next(row for row in result.rows if row.path.endswith("workingDirectory"))
    assert (row.verdict, row.note.startswith("fill in ")) == ("close", True), row
    bare = '{"family": "web", "containerDefinitions": [{"name": "web", "image": "x:1",\n "memory": %s}]}'
    row = next(row for row in _imported(bare % json.dumps(left)).rows if row.path.endswith("memory"))
    assert (row.verdict, f"fill in {left} first" in row.note) == ("refused", True), row


@pytest.mark.parametrize(
    "text", ["a$b", "$1", "100%", "%d items", "a@b.c", "<", "a < b > c", "x__y", "{}", "#1", "REPLACED"]
)
def test_what_looks_like_one_is_none(text: str) -> None:
    result = _imported({**TASK, "containerDefinitions": [{**CONTAINER, "workingDirectory": text}]})
    assert "fill in" not in next(row.note for row in result.rows if row.path.endswith("workingDirectory"))


@pytest.mark.parametrize(
    "left", ["${MEM}", "{{ must_env `MEM` }}", "$(MEM)", "%MEM%", "<MEM>", "$MEM", "@@MEM@@", "<%= mem %>"]
)
def test_a_placeholder_may_stand_without_quotes(left: str) -> None:
    text = f'{{"family": "web", "containerDefinitions": [{{"name": "web", "image": "x:1",\n "memory": {left}}}]}}'
    result = _imported(text)
    assert _kinds(result) == ["TaskDefinition/web"]
    assert next(row.verdict for row in result.rows if row.path.endswith("memory")) == "refused"


def test_a_placeholder_where_only_some_words_go_is_filled_in_first() -> None:
    row = next(
        row for row in _imported({**SERVICE, "launchType": "{{ must_env `LT` }}"}).rows if row.path == "launchType"
    )
    assert (row.verdict, row.note) == (
        "refused",
        "fill in {{ must_env `LT` }} first: it can only be 'FARGATE' or 'EC2' so far",
    )


def test_the_default_of_ecspressos_template_is_taken() -> None:
    result = _imported('{"serviceName": "web", "taskDefinition": "web", "desiredCount": {{ env `COUNT` `3` }}}')
    assert result.manifests[0]["spec"]["desiredCount"] == 3
    row = next(row for row in result.rows if row.path == "desiredCount")
    assert (row.verdict, row.note.startswith("3 is taken, the template's own default")) == ("close", True)


def test_two_configurations_of_ecspresso_name_their_own_services() -> None:
    files = [
        ("a/ecspresso.yml", b"service: one\nservice_definition: sd.json\ntask_definition: td.json\n"),
        ("a/sd.json", b'{"desiredCount": 1}'),
        ("a/td.json", json.dumps({**TASK, "family": "first"}).encode()),
        ("b/ecspresso.json", b'{"service": "two", "service_definition": "sd.json", "task_definition": "td.json"}'),
        ("b/sd.json", b'{"desiredCount": 1}'),
        ("b/td.json", json.dumps({**TASK, "family": "second"}).encode()),
    ]
    made = [one for result in import_files(files) for one in result.manifests if one["kind"] == "Service"]
    assert [(one["metadata"]["name"], one["spec"]["taskDefinition"]) for one in made] == [
        ("one", "first"),
        ("two", "second"),
    ]


def test_one_family_in_two_files_is_told() -> None:
    other = {**TASK, "containerDefinitions": [{**CONTAINER, "cpu": 10}]}
    first, second = import_files([("a.json", json.dumps(TASK).encode()), ("b.json", json.dumps(other).encode())])
    assert first.remarks == []
    assert second.remarks == [
        "TaskDefinition web stands from a.json, too: of both, this one remains when you apply them"
    ]


@pytest.mark.parametrize(("port", "mode"), [(8080, "bridge"), (80, None), (0, None)])
def test_a_port_of_the_node_means_bridge_as_in_ecs(port: int, mode: str | None) -> None:
    result = _imported(
        {**TASK, "containerDefinitions": [{**CONTAINER, "portMappings": [{"containerPort": 80, "hostPort": port}]}]}
    )
    assert result.manifests[0]["spec"].get("networkMode") == mode
    assert any("networkMode bridge" in remark for remark in result.remarks) == bool(mode)
    assert not result.refused


def test_what_goes_nowhere_needs_no_filling_in() -> None:
    row = next(
        row for row in _imported({**SERVICE, "platformVersion": "${VERSION}"}).rows if row.path == "platformVersion"
    )
    assert "fill in" not in row.note


def test_an_association_gives_its_lists_to_the_cluster_of_another_file() -> None:
    strategy = [{"capacityProvider": "Big_Nodes", "weight": 1}]
    put = {"cluster": "arn:aws:ecs:x:1:cluster/c", "capacityProviders": ["Big_Nodes"]}
    files: dict[str, Any] = {
        "put.json": {**put, "defaultCapacityProviderStrategy": strategy},
        "cluster.json": {"clusterName": "c", "capacityProviders": ["FARGATE"], "tags": [{"key": "a", "value": "b"}]},
    }
    first, second = import_files([(name, json.dumps(one).encode()) for name, one in files.items()])
    assert (first.manifests, len(first.remarks), second.remarks) == ([], 1, [])
    assert second.manifests[0]["spec"] == {
        "tags": [{"key": "a", "value": "b"}],
        "capacityProviders": ["big-nodes"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "big-nodes", "weight": 1}],
    }


def test_what_a_capacity_provider_may_not_say_is_told_where_it_stands() -> None:
    group = {"managedScaling": {"status": "ENABLED", "targetCapacity": 101}, "managedTerminationProtection": "ENABLED"}
    result = _imported({"name": "m", "autoScalingGroupProvider": group})
    assert result.manifests[0]["spec"]["managedTerminationProtection"] == "ENABLED"
    refused = [row.path for row in result.rows if row.verdict == "refused"]
    assert refused == ["autoScalingGroupProvider.managedScaling.targetCapacity"]


def test_a_cluster_to_fill_in_is_the_default_for_all_that_name_it() -> None:
    result = _imported(
        [{"clusterName": "${CLUSTER}", "capacityProviders": ["m"]}, {**SERVICE, "cluster": "${CLUSTER}"}]
    )
    assert _kinds(result) == ["Cluster/default", "Service/web"]


def test_a_cluster_to_fill_in_is_the_default_until_then() -> None:
    result = _imported({**SERVICE, "cluster": "${CLUSTER}"})
    assert result.manifests[0]["spec"]["cluster"] == "default"
    assert next(row.note for row in result.rows if row.path == "cluster").startswith("fill in ${CLUSTER}")


def test_containers_alone_have_paths_of_their_own() -> None:
    assert {row.path for row in _imported(CONTAINER).rows} == set(paths(CONTAINER))
    assert {row.path for row in _imported([CONTAINER]).rows} == set(paths([CONTAINER]))


def test_a_size_to_fill_in_is_told_so() -> None:
    row = next(row for row in _imported({**TASK, "cpu": "${CPU}"}).rows if row.path == "cpu")
    assert (row.verdict, row.note.startswith("fill in ${CPU} first")) == ("refused", True)


def test_of_a_rule_only_the_part_that_breaks_it_is_left_out() -> None:
    linux = {"initProcessEnabled": True, "sharedMemorySize": 64, "devices": [{"hostPath": "/dev/fuse"}]}
    result = _imported({**TASK, "containerDefinitions": [{**CONTAINER, "linuxParameters": linux}]})
    kept = result.manifests[0]["spec"]["containerDefinitions"][0]["linuxParameters"]
    assert kept == {"initProcessEnabled": True, "sharedMemorySize": 64}


def test_what_cloudformation_calls_otherwise_is_known() -> None:
    row = next(
        row for row in _imported({**SERVICE, "PlacementStrategies": [{"Type": "spread"}]}).rows if "Strat" in row.path
    )
    assert "no such field" not in row.note


@pytest.mark.parametrize(("word", "left"), [("{{ must_env `NAME` }}", True), ("echo ${HOME} $(date) $USER", False)])
def test_in_commands_only_a_template_is_filled_in(word: str, left: bool) -> None:  # noqa: FBT001  # a case, no option
    result = _imported({**TASK, "containerDefinitions": [{**CONTAINER, "command": [word]}]})
    row = next(row for row in result.rows if "command" in row.path)
    assert row.note.startswith("fill in ") == left
