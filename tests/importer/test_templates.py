"""CloudFormation: functions are worked out as far as the template goes, and every leaf keeps its own path."""

import json
from typing import Any

import pytest

from berth.importer.read import documents
from berth.importer.run import Imported, import_files
from importer.leaves import unaccounted

HEAD = """
Parameters:
  Stage: {Type: String, Default: prod}
  Role: {Type: String, Default: ""}
  Debug: {Type: String}
  Ports: {Type: CommaDelimitedList, Default: "80, 443"}
  Size: {Type: Number, Default: 1}
  Spot: {Type: String, Default: false}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /shop/image}
Mappings:
  Sizes: {1: {cpu: 256}, prod: {prod: 128}}
Conditions:
  IsSpot: !Equals [!Ref Spot, "true"]
  IsProd: !Equals [!Ref Stage, prod]
  IsTest: !Not [!Condition IsProd]
  HasRole: !Not [!Equals [!Ref Role, ""]]
  Both: !And [!Condition IsProd, !Condition HasRole]
  Either: !Or [!Condition IsProd, !Condition IsDebug]
  IsDebug: !Equals [!Ref Debug, "1"]
"""


def _imported(text: str) -> Imported:
    result = import_files([("stack.yaml", text.encode())])[0]
    assert not result.error, result.error
    assert unaccounted(documents(text)[0], [row.path for row in result.rows]) == []
    return result


def _task(container: str, rest: str = "", head: str = HEAD) -> Imported:
    return _imported(f"""{head}
Resources:
  Web:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: web
      {rest}
      ContainerDefinitions:
        - {{Name: web, Image: "shop/web:1", Memory: 64, {container}}}
""")


def _container(result: Imported) -> dict[str, Any]:
    return result.manifests[0]["spec"]["containerDefinitions"][0]


@pytest.mark.parametrize(
    ("function", "cpu"),
    [
        ("!If [IsProd, 256, 128]", 256),
        ("!If [IsTest, 256, 128]", 128),
        ("!If [Both, 256, 128]", 128),
        ("!If [Either, 256, 128]", 256),
        ("!If [IsDebug, 256, 128]", 256),
        ("!If [IsDebug, !Ref AWS::NoValue, 128]", 128),
        ("!If [Missing, 256, 128]", 256),
        ("!If [IsProd, !If [IsTest, 1, 64], 128]", 64),
        ("!Select [1, [256, 128]]", 128),
        ('!Select [0, !Split ["/", "256/128"]]', 256),
        ('!Join ["", ["2", "56"]]', 256),
        ("!If [IsTest, 256, !Ref AWS::NoValue]", None),
        ("!FindInMap [Sizes, !Ref Size, cpu]", 256),
        ("!FindInMap [Sizes, prod, !Ref Stage]", 128),
        ("!If [IsSpot, 256, 128]", 128),
    ],
)
def test_a_value_of_a_function(function: str, cpu: int | None) -> None:
    assert _container(_task(f"Cpu: {function}")).get("cpu") == cpu


def test_an_object_of_a_condition_is_told_where_it_stands() -> None:
    result = _task("Environment: [!If [IsProd, {Name: A, Value: '1'}, {Name: B, Value: '2'}], !Ref AWS::NoValue]")
    assert _container(result)["environment"] == [{"name": "A", "value": "1"}]
    told = {row.path.removeprefix("Resources.Web.Properties.ContainerDefinitions[0]."): row for row in result.rows}
    assert told["Environment[0].Fn::If[1].Name"].verdict == "exact"
    assert told["Environment[0].Fn::If[2]"].note == "the condition decides for the other branch"


def test_a_list_of_a_parameter_is_told_as_one() -> None:
    result = _task("DnsServers: !Ref Ports")
    assert _container(result).get("dnsServers", []) in ([], ["80", "443"])
    row = next(row for row in result.rows if row.path.endswith("DnsServers"))
    assert row.note


def test_the_default_of_a_stored_parameter_is_no_value() -> None:
    result = _task("", "TaskRoleArn: !Ref Stored")
    assert result.manifests[0]["spec"]["taskRoleArn"] == "${Stored}"


def test_conditions_and_parameters_are_told() -> None:
    told = {row.path: row.note for row in _task("").rows}
    assert told["Conditions.IsProd"] == "holds with the defaults of the parameters"
    assert told["Conditions.Both"] == "does not hold with the defaults of the parameters"
    assert "depends on" in told["Conditions.IsDebug"]
    assert told["Parameters.Stage"].endswith(": prod")
    assert "fill in ${Debug}" in told["Parameters.Debug"]


def test_a_placeholder_of_a_reference_has_its_line() -> None:
    row = next(row for row in _task("WorkingDirectory: !Ref Debug").rows if row.path.endswith("Directory"))
    assert row.note.startswith("fill in ${Debug} (line ")


def test_what_its_condition_leaves_out_is_not_made() -> None:
    result = _imported(f"""{HEAD}
Resources:
  A: {{Type: AWS::ECS::Service, Condition: IsTest, Properties: {{TaskDefinition: web, DesiredCount: 1}}}}
  B: {{Type: AWS::ECS::Service, Condition: IsProd, Properties: {{TaskDefinition: web, DesiredCount: 2}}}}
""")
    assert [one["spec"]["desiredCount"] for one in result.manifests] == [2]
    assert "IsTest does not hold" in next(row.note for row in result.rows if row.path == "Resources.A")


SCALED = """
Resources:
  Web:
    Type: AWS::ECS::Service
    Properties: {ServiceName: web, TaskDefinition: web, DesiredCount: 2}
  Other:
    Type: AWS::ECS::Service
    Properties: {ServiceName: other, TaskDefinition: web}
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      MinCapacity: "2"
      MaxCapacity: 10
      ResourceId: %s
      RoleARN: !GetAtt Role.Arn
      ScalableDimension: ecs:service:DesiredCount
      ServiceNamespace: ecs
  Policy:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: cpu
      PolicyType: %s
      ScalingTargetId: !Ref Target
      TargetTrackingScalingPolicyConfiguration:
        PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}
        TargetValue: 60
        ScaleOutCooldown: 30
  Step:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: step
      PolicyType: StepScaling
      ResourceId: service/shop/web
      ServiceNamespace: ecs
      StepScalingPolicyConfiguration: {AdjustmentType: ChangeInCapacity, StepAdjustments: [{ScalingAdjustment: 1}]}
"""


@pytest.mark.parametrize(
    "resource",
    [
        '!Join ["/", [service, !Ref Cluster, !GetAtt Web.Name]]',
        '!Join ["/", [service, shop, !GetAtt [Web, Name]]]',
        "!Sub service/${Cluster}/${Web.Name}",
        "service/shop/web",
    ],
)
def test_scaling_goes_into_its_service(resource: str) -> None:
    result = _imported(SCALED % (resource, "TargetTrackingScaling"))
    web, other = (one["spec"] for one in result.manifests)
    assert web["autoScaling"] == {
        "minCapacity": 2,
        "maxCapacity": 10,
        "policies": [
            {
                "policyName": "cpu",
                "policyType": "TargetTrackingScaling",
                "targetTrackingScalingPolicyConfiguration": {
                    "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"},
                    "targetValue": 60,
                    "scaleOutCooldown": 30,
                },
            }
        ],
    }
    assert "autoScaling" not in other
    told = {row.path: row.verdict for row in result.rows}
    assert told["Resources.Target.Properties.MinCapacity"] == "exact"
    assert told["Resources.Step.Properties.PolicyType"] == "refused"


def test_scaling_that_is_not_done_is_refused_as_a_whole() -> None:
    head, _, tail = (SCALED % ("service/shop/web", "StepScaling")).partition("      TargetTracking")
    result = _imported(head + tail[tail.index("  Step:") :])
    assert all("autoScaling" not in one["spec"] for one in result.manifests)
    told = {row.path: row.note for row in result.rows if row.verdict == "refused"}
    assert "Resources.Target.Properties.MaxCapacity" in told
    assert "Resources.Policy.Properties.PolicyName" in told


def test_scaling_of_a_service_that_is_not_made_is_told() -> None:
    text = (SCALED % ("!Sub service/shop/${Web.Name}", "TargetTrackingScaling")).replace(
        "Properties: {ServiceName: web, TaskDefinition: web, DesiredCount: 2}", "DependsOn: Other"
    )
    told = {row.path: row.verdict for row in _imported(text).rows}
    assert told["Resources.Web"] == told["Resources.Target"] == "refused"


def test_scaling_of_what_is_not_here_is_told() -> None:
    result = _imported(
        (SCALED % ("!Ref Elsewhere", "TargetTrackingScaling"))
        + """
  Table:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties: {ServiceNamespace: dynamodb, ResourceId: table/x, MinCapacity: 1, MaxCapacity: 2}
  TablePolicy:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties: {ScalingTargetId: !Ref Table, PolicyName: x}
"""
    )
    told = {row.path: row.verdict for row in result.rows}
    assert told["Resources.Target"] == told["Resources.Policy"] == "refused"
    assert told["Resources.Table"] == told["Resources.TablePolicy"] == "ignored"


def test_a_cluster_of_a_template_is_written_once_with_its_defaults() -> None:
    result = _imported("""
Resources:
  Empty: {Type: AWS::ECS::Cluster}
  Cluster:
    Type: AWS::ECS::Cluster
    Properties:
      ClusterName: shop
      ClusterSettings: [{Name: containerInsights, Value: enabled}]
      DefaultCapacityProviderStrategy: [{CapacityProvider: FARGATE, Weight: 1}]
  Set: {Type: AWS::ECS::TaskSet, Properties: {Service: web}}
  Loop: [{"Type": "AWS::ECS::Service"}]
  Web: {Type: AWS::ECS::Service, Properties: {TaskDefinition: web, Cluster: !Ref Cluster}}
""")
    told = {row.path: row.verdict for row in result.rows}
    assert told["Resources.Cluster.Properties.ClusterName"] == "exact"
    assert told["Resources.Empty"] == "ignored"
    assert told["Resources.Cluster.Properties.ClusterSettings[0].Value"] == "ignored"
    assert told["Resources.Cluster.Properties.DefaultCapacityProviderStrategy[0].Weight"] == "exact"
    clusters = {one["metadata"]["name"]: one["spec"] for one in result.manifests if one["kind"] == "Cluster"}
    strategy = [{"capacityProvider": "fargate", "weight": 1}]
    assert clusters == {"empty": {}, "shop": {"defaultCapacityProviderStrategy": strategy}}
    assert [one["kind"] for one in result.manifests].count("Cluster") == 2
    assert told["Resources.Set"] == told["Resources.Loop"] == "refused"
    assert told["Resources.Web.Properties.Cluster"] == "exact"


def test_names_that_nobody_gave_are_readable() -> None:
    result = _imported("""
Resources:
  WebAPITask: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: a, Image: "x:1"}]}}
  WebAPIServiceD69D759B: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref WebAPITask}}
""")
    assert [one["metadata"]["name"] for one in result.manifests] == ["web-api-task", "web-api-service-d69d759b"]
    assert result.manifests[1]["spec"]["taskDefinition"] == "web-api-task"


def test_what_get_template_prints_is_read() -> None:
    body = {"Resources": {"Web": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": "web"}}}}
    result = _imported(json.dumps({"TemplateBody": body, "StagesAvailable": ["Original"]}))
    assert [one["kind"] for one in result.manifests] == ["Service"]


@pytest.mark.parametrize(
    "function",
    [
        "!If [IsProd]", "!If {a: b}", "!If [[], {}, []]", "!Select [9, [a]]", "!Select a", "!Split ['', a]",
        "!Join [a]", "!Sub []", "!Sub ['${A}', {A: [1]}]", "!FindInMap [a, b, c]", "!GetAtt a", "!GetAtt []", "!Ref []",
        "!Ref {a: b}", "!ImportValue {a: b}", "!Base64 {a: [b]}", "!Transform {Name: x, Parameters: {a: b}}",
        "!If [IsProd, {a: {Fn::If: [IsProd, {b: c}, {}]}}, x]", "{Fn::If: [IsProd, [1, 2], [3]]}",
        "!If [IsProd, !Ref Ports, []]", "!Select [0, [{a: b}, {}]]",
    ],
)  # fmt: skip
def test_no_function_anywhere_is_a_traceback(function: str) -> None:
    for field in ("Cpu", "Environment", "Command", "HealthCheck", "DockerLabels", "Unknown", "LogConfiguration"):
        _task(f"{field}: {function}")
        _task(f"LogConfiguration: {{LogDriver: x, Options: {function}}}", f"{field}: {function}")
        _task(f"Environment: [{function}]", f"Volumes: [{{Name: {function}}}]")


def test_a_condition_that_goes_in_circles_is_not_known() -> None:
    head = "Conditions: {A: {Condition: B}, B: {Condition: A}}\nParameters: {Ports: {Type: String}}\n"
    assert _container(_task("Cpu: !If [A, 256, 128]", head=head))["cpu"] == 256


def test_a_type_that_is_no_word_is_no_resource_of_ours() -> None:
    result = _imported("""
Resources:
  Odd: {Type: [AWS::ECS::Service], Condition: [x], Properties: []}
  Web: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref Odd, ServiceName: !GetAtt Odd.Name}}
""")
    assert len(result.manifests) == 1
