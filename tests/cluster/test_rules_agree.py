"""Rules are said twice, in CEL and in Python: over one table of specs both must say the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from berth.api import KINDS
from berth.api.kind import Kind
from berth.gen.crds import crd
from berth.gen.schema import Schema
from support.cluster import Cluster

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
KIND = {kind.kind: kind for kind in KINDS}
# Rules without a Python twin: three compare with the object before, and keys are bounded by their type.
NO_TWIN = (
    "a revision is immutable",
    "cluster is immutable",
    "schedulingStrategy cannot be changed",
    "a key is out of bounds",
)


def service(*strategy: Json, **spec: Any) -> tuple[str, Json]:
    spec = {"taskDefinition": "web", **spec}
    return "Service", {**spec, "capacityProviderStrategy": list(strategy)} if strategy else spec


def rebalancing(**spec: Any) -> tuple[str, Json]:
    return service(availabilityZoneRebalancing="ENABLED", **spec)


def disk(**volume: Any) -> tuple[str, Json]:
    given = {key: value for key, value in {"sizeInGiB": 20, **volume}.items() if value is not None}
    return service(volumeConfigurations=[{"name": "data", "managedEBSVolume": given}])


def hook(**hook: Any) -> Json:
    return {"name": "migrate", "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"], **hook}


def balanced(**balancer: Any) -> tuple[str, Json]:
    return service(loadBalancers=[{"containerName": "web", "containerPort": 80, **balancer}])


def routed(**application: Any) -> tuple[str, Json]:
    return balanced(application={"gateway": "gateways/public", **application})


def deployed(**configuration: Any) -> tuple[str, Json]:
    return service(deploymentConfiguration=configuration)


def on(provider: str, base: int = 0, weight: int = 1) -> Json:
    return {"capacityProvider": provider, "base": base, "weight": weight}


def scaled(low: int, high: int, *metrics: str) -> tuple[str, Json]:
    policies = [
        {
            "policyName": f"policy-{number}",
            "targetTrackingScalingPolicyConfiguration": {
                "targetValue": 50,
                "predefinedMetricSpecification": {"predefinedMetricType": f"ECSServiceAverage{metric}Utilization"},
            },
        }
        for number, metric in enumerate(metrics)
    ]
    return service(autoScaling={"minCapacity": low, "maxCapacity": high, "policies": policies})


def task(container: Json | None = None, **spec: Any) -> tuple[str, Json]:
    return "TaskDefinition", {
        "containerDefinitions": [{"name": "web", "image": "nginx:1", **(container or {})}],
        **spec,
    }


TEST_TRAFFIC = {"header": {"name": "X-Test", "value": {"exact": "green"}}}
TWO = {"name": "one", "image": "nginx:1"}


def mounted(*volumes: Json, **spec: Any) -> tuple[str, Json]:
    point = {"sourceVolume": "data", "containerPath": "/data"}
    return task({"mountPoints": [point]}, volumes=list(volumes), **spec)


def efs(**configuration: Any) -> Json:
    return {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", **configuration}}


def fargate(cpu: int | str, memory: int | str) -> tuple[str, Json]:
    return task(requiresCompatibilities=["FARGATE"], cpu=cpu, memory=memory)


def check(*command: str) -> tuple[str, Json]:
    return task({"healthCheck": {"command": list(command)}})


def port(**mapping: Any) -> tuple[str, Json]:
    return task({"portMappings": [{"containerPort": 80, **mapping}]})


def tolerating(**toleration: Any) -> tuple[str, Json]:
    return "CapacityProvider", {"type": "EC2", "nodes": {"tolerations": [toleration]}}


def labelled(**labels: str) -> tuple[str, Json]:
    return "CapacityProvider", {"type": "EC2", "nodes": {"selector": labels}}


def scaled_provider(scaling: Json | None, preset: str | None = None, **spec: Any) -> tuple[str, Json]:
    nodes = {"preset": preset} if preset else {}
    managed = {} if scaling is None else {"managedScaling": scaling}
    return "CapacityProvider", {"type": "FARGATE", "nodes": {**nodes, **spec.pop("nodes", {})}, **managed, **spec}


def pool(**karpenter: Any) -> Json:
    return {"karpenter": {"nodeClassRef": {"group": "g", "kind": "K", "name": "n"}, **karpenter}}


def required(key: str, operator: str, *values: str, **more: Any) -> tuple[str, Json]:
    return scaled_provider(pool(requirements=[{"key": key, "operator": operator, "values": list(values), **more}]))


def budget(**budget: Any) -> tuple[str, Json]:
    return scaled_provider(pool(budgets=[budget]))


def provider(spot: bool = False, type: str = "FARGATE", **nodes: Any) -> tuple[str, Json]:  # noqa: A002, FBT001, FBT002  # fields
    return "CapacityProvider", {"type": type, "spot": spot, "nodes": nodes}


def cluster_of(*strategy: Json, **spec: Any) -> tuple[str, Json]:
    return "Cluster", {**spec, "defaultCapacityProviderStrategy": list(strategy)} if strategy else spec


def containers(*definitions: Json, **spec: Any) -> tuple[str, Json]:
    named = [{"name": f"c{number}", "image": "nginx:1", **one} for number, one in enumerate(definitions)]
    return "TaskDefinition", {"containerDefinitions": named, **spec}


def waiting(condition: str, **other: Any) -> tuple[str, Json]:
    """c0 waits for c1."""
    return containers({"dependsOn": [{"containerName": "c1", "condition": condition}]}, other)


def linux(**parameters: Any) -> Json:
    return {"linuxParameters": parameters}


def on_fargate(container: Json, **spec: Any) -> tuple[str, Json]:
    return task(container, requiresCompatibilities=["FARGATE"], cpu=256, memory=512, **spec)


MEMBER = {"type": "memberOf", "expression": "attribute:x == y"}
IN_A_ZONE = {"type": "memberOf", "expression": "attribute:ecs.availability-zone == eu-west-1a"}
OVER_ZONES = {"type": "spread", "field": "attribute:ecs.availability-zone"}
CHECK = {"healthCheck": {"command": ["CMD", "true"]}}

ACCEPTED = [
    service(),
    service(desiredCount=0),
    service(launchType="FARGATE"),
    service(on("FARGATE", base=2), on("fargate-spot", weight=1000)),
    service(on("one", weight=0)),
    service(on("one", base=5, weight=0), on("two")),
    scaled(1, 1, "CPU"),
    scaled(0, 5000, "CPU", "Memory"),
    task(),
    task({"memory": 128, "memoryReservation": 128}),
    task(cpu=100, memory=100),
    task(cpu="0.25 vCPU", memory=".5 gb"),
    task(networkMode="bridge", requiresCompatibilities=["EC2"]),
    fargate(256, 512),
    fargate("256", "0.5 GB"),
    fargate(".25 vCPU", "0.5GB"),
    fargate("1 vcpu", "2 gb"),
    fargate(512, 4096),
    fargate(4096, 30720),
    fargate(8192, 20480),
    fargate(16384, "120 GB"),
    check("CMD-SHELL", "true"),
    check("NONE"),
    port(hostPort=80),
    port(hostPort=0),
    scaled_provider({}),
    scaled_provider({"targetCapacity": 100, "status": "DISABLED", "instanceWarmupPeriod": 0}, "gke"),
    scaled_provider(pool(limits={"cpu": "1k", "memory": "1.5Gi"}, consolidateAfter="Never"), "eks-auto"),
    scaled_provider(pool(), "karpenter", nodes={"selector": {"team": "shop"}}),
    scaled_provider({}, managedTerminationProtection="ENABLED"),
    scaled_provider(None, managedTerminationProtection="DISABLED"),
    required("a/b", "In", "x", "y", minValues=2),
    required("cpu", "Gt", "3"),
    required("gpu", "DoesNotExist"),
    budget(nodes="0", schedule="0 9 * * mon-fri", duration="1h30m", reasons=["Empty"]),
    budget(nodes="100%"),
    tolerating(operator="Exists"),
    tolerating(key="spot", value="yes", effect="NoSchedule"),
    labelled(pool="spot"),
    service(cluster="shop"),
    cluster_of(),
    cluster_of(on("FARGATE", base=1), on("fargate-spot"), capacityProviders=["fargate", "FARGATE_SPOT"]),
    cluster_of(launchTypes={"FARGATE": "spot", "EC2": "ec2"}, tags=[{"key": "a"}, {"key": "b", "value": "c"}]),
    provider(spot=True, preset="aks", selector={"a": "b"}),
    provider(type="EC2", preset="plain"),
    provider(preset="eks-fargate", profileLabels={"a": "b"}),
    mounted({"name": "data"}, {"name": "empty", "host": {}}),
    mounted({"name": "data", "host": {"sourcePath": "/srv"}}),
    mounted({"name": "data", "dockerVolumeConfiguration": {"scope": "shared", "labels": {"a": "b"}}}),
    mounted(efs(rootDirectory="/a/..b/c")),
    mounted(efs(transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-1"})),
    mounted(efs(rootDirectory="", transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-1"})),
    mounted(efs(authorizationConfig={"iam": "DISABLED"})),
    mounted({"name": "data", "configuredAtLaunch": True}),
    mounted({"name": "data"}, requiresCompatibilities=["FARGATE"], cpu=256, memory=512),
    task({"secrets": [{"name": "A", "valueFrom": "secret:a/b"}], "environment": [{"name": "B"}]}),
    task({"environmentFiles": [{"value": "arn:aws:s3:::b/a.env", "type": "s3"}]}),
    task(containerDefinitions=[TWO, {**TWO, "name": "two", "volumesFrom": [{"sourceContainer": "one"}]}]),
    task(taskRoleArn="arn:aws:iam::111122223333:role/web", executionRoleArn=""),
    service(volumeConfigurations=[{"name": "data", "managedEBSVolume": {"sizeInGiB": 1}}]),
    disk(volumeType="gp3", iops=3000, throughput=1000, encrypted=True, kmsKeyId="alias/a", filesystemType="xfs"),
    disk(sizeInGiB=None, snapshotId="snap-1", volumeInitializationRate=100),
    task({"portMappings": [{"containerPortRange": "8000-8010"}, {"containerPortRange": "9000-65535"}]}),
    task({"portMappings": [{"containerPort": 53, "protocol": "udp"}, {"containerPort": 53}]}),
    task(networkMode="none"),
    task(ipcMode="none", trustedExecutionConfiguration={"isolationMode": "SHARED"}),
    task({"resourceRequirements": [{"type": "NeuronDevice", "value": "1"}]}),
    disk(tagSpecifications=[{"resourceType": "volume", "tags": [{"key": "a"}], "propagateTags": "SERVICE"}]),
    waiting("START"),
    waiting("HEALTHY", **CHECK),
    waiting("SUCCESS", essential=False),
    waiting("COMPLETE", essential=False, entryPoint=["/run"]),
    containers({"hostname": "a"}, {"hostname": "a"}, {}),
    containers({"dnsServers": ["10.0.0.1"]}, {"dnsServers": ["10.0.0.1"]}, {}),
    task({"portMappings": [{"containerPort": 80, "hostPort": 81}]}, networkMode="bridge"),
    task({"user": "root:0", "privileged": True, **linux(devices=[{"hostPath": "/dev/fuse"}])}),
    task({"user": "1000", "dockerSecurityOptions": ["no-new-privileges", "apparmor:x", "label:type:t"]}),
    task(linux(tmpfs=[{"containerPath": "/run", "size": 1, "mountOptions": ["rw", "nosuid"]}], maxSwap=0)),
    task({"disableNetworking": False, "credentialSpecs": []}, enableFaultInjection=False, placementConstraints=[]),
    on_fargate({"stopTimeout": 120, "startTimeout": 2, **linux(capabilities={"add": ["SYS_PTRACE"]})}, pidMode="task"),
    task(requiresCompatibilities=["EC2", "EXTERNAL", "MANAGED_INSTANCES"], pidMode="host", ipcMode="task"),
    task(placementConstraints=[MEMBER]),
    rebalancing(),
    rebalancing(placementStrategy=[OVER_ZONES, {"type": "binpack", "field": "cpu"}], placementConstraints=[MEMBER]),
    service(availabilityZoneRebalancing="DISABLED", placementConstraints=[IN_A_ZONE]),
    service(schedulingStrategy="DAEMON"),
    service(deploymentConfiguration={"lifecycleHooks": [hook(), hook(name="other", taskDefinition="schema:3")]}),
    service(deploymentConfiguration={"alarms": {"enable": True, "alarmNames": ["High error rate (p99)"]}}),
    service(deploymentConfiguration={"alarms": {"enable": False}}),
    service(on("one", weight=0), on("two", weight=0), schedulingStrategy="DAEMON", placementConstraints=[MEMBER]),
    service(schedulingStrategy="DAEMON", deploymentConfiguration={"minimumHealthyPercent": 0, "maximumPercent": 100}),
    service(placementConstraints=[MEMBER, {"type": "distinctInstance"}]),
    service(placementStrategy=[{"type": "spread", "field": "instanceId"}, {"type": "binpack", "field": "CPU"}]),
    service(placementStrategy=[{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "random"}]),
    routed(listener="https", hosts=["*.example.com", "a.b"], paths=["/", "/*", "/a/b/*", "/a/"]),
    routed(redirects=[{"listener": "http", "protocol": "HTTPS"}, {"paths": ["/a"], "path": "/b", "port": 1}]),
    balanced(application={"ingressClass": "alb", "healthCheck": {"path": "/", "matcher": "200,204-399"}}),
    balanced(network={"port": 53, "protocol": "UDP", "gateway": "public", "listener": "dns"}),
    balanced(targetGroupArn="arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1"),
    service(serviceRegistries=[{"containerName": "web", "containerPort": 80}]),
    service(serviceConnectConfiguration={"enabled": True, "services": [{"portName": "http"}]}),
    service(networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}}),
    deployed(strategy="BLUE_GREEN", bakeTimeInMinutes=0),
    deployed(strategy="LINEAR", linearConfiguration={"stepPercent": 3, "stepBakeTimeInMinutes": 1440}),
    deployed(strategy="CANARY", canaryConfiguration={"canaryPercent": 0.1}, bakeTimeInMinutes=1440),
    routed(testTrafficRules=TEST_TRAFFIC),
    task(runtimePlatform={"cpuArchitecture": "ARM64"}, ephemeralStorage={"sizeInGiB": 21}, tags=[{"key": "a"}]),
]
REFUSED = [
    service(on("one"), launchType="EC2"),
    service(on("one", base=1), on("two", base=1)),
    service(on("one", weight=0), on("two", weight=0)),
    service(on("FARGATE_SPOT"), on("fargate-spot")),
    service(on("one", weight=1001)),
    service(on("Fargate")),
    service(taskDefinition="web:0"),
    service(desiredCount=-1),
    service(deploymentConfiguration={"minimumHealthyPercent": 101}),
    scaled(2, 1, "CPU"),
    scaled(1, 2, "CPU", "CPU"),
    scaled(1, 2),
    task({"essential": False}),
    task({"memory": 64, "memoryReservation": 128}),
    task({"memory": 5}),
    task({"name": "a b"}),
    task(family=""),
    task(cpu="half"),
    task(cpu=0),
    task(memory="1 MB"),
    task(requiresCompatibilities=["FARGATE"], cpu=256),
    task(requiresCompatibilities=["FARGATE"], memory=512),
    task(networkMode="bridge", requiresCompatibilities=["FARGATE"], cpu=256, memory=512),
    fargate(256, 4096),
    fargate(300, 512),
    fargate(512, 1536),
    fargate(8192, 18432),
    fargate("0.3 vCPU", "1 GB"),
    fargate(16384, "121 GB"),
    fargate("1 VCPU", "2 GB"),
    check("CMD"),
    check("true"),
    check("NONSENSE", "x"),
    check(),
    port(hostPort=8080),
    port(containerPort=0),
    port(name="UPPER"),
    scaled_provider({"targetCapacity": 0}),
    scaled_provider({"targetCapacity": 101}),
    scaled_provider({"minimumScalingStepSize": 0}),
    scaled_provider({}, "aks-virtual"),
    scaled_provider(pool(), "gke"),
    scaled_provider(pool(), nodes={"selector": {"karpenter.sh/nodepool": "mine"}}),
    scaled_provider(pool(), nodes={"selector": {"berth.dev/capacity-provider": "mine"}}),
    scaled_provider(pool(limits={"cpu": "many"})),
    scaled_provider(pool(weight=101)),
    scaled_provider(pool(consolidateAfter="soon")),
    scaled_provider(None, managedTerminationProtection="ENABLED"),
    scaled_provider({"status": "DISABLED"}, managedTerminationProtection="ENABLED"),
    required("a", "In"),
    required("a", "Exists", "x"),
    required("a", "Gt", "1", "2"),
    required("a", "Lt", "-1"),
    required("karpenter.sh/capacity-type", "In", "spot"),
    budget(nodes="101%"),
    budget(nodes="1", schedule="@daily"),
    budget(nodes="1", duration="8h"),
    budget(nodes="1", schedule="now", duration="8h"),
    budget(nodes="1", schedule="@daily", duration="8s"),
    tolerating(value="yes"),
    tolerating(operator="Exists", key="spot", value="yes"),
    labelled(**{"k" * 318: "x"}),
    labelled(pool="x" * 64),
    service(cluster="Shop"),
    service(deploymentConfiguration={"deploymentCircuitBreaker": {"thresholdConfiguration": {"value": 101}}}),
    deployed(strategy="BLUE_GREEN"),
    deployed(strategy="SHADOW"),
    deployed(bakeTimeInMinutes=1441),
    deployed(strategy="LINEAR", linearConfiguration={"stepPercent": 2.9}),
    deployed(strategy="CANARY", canaryConfiguration={"canaryPercent": 0}),
    deployed(strategy="CANARY", linearConfiguration={}),
    deployed(strategy="LINEAR", canaryConfiguration={}),
    service(schedulingStrategy="DAEMON", deploymentConfiguration={"strategy": "CANARY"}),
    balanced(application={"ingressClass": "alb", "testTrafficRules": TEST_TRAFFIC}),
    routed(testTrafficRules={"header": {"name": "X Test", "value": {"exact": "green"}}}),
    routed(testTrafficRules={"header": {"name": "X-Test", "value": {"exact": ""}}}),
    cluster_of(on("one", base=1), on("two", base=1)),
    cluster_of(on("one", weight=0), on("two", weight=0)),
    cluster_of(on("FARGATE"), on("fargate")),
    cluster_of(on("one"), capacityProviders=["two"]),
    cluster_of(launchTypes={"EC2": "Nodes"}),
    cluster_of(tags=[{"value": "c"}]),
    provider(preset="openshift"),
    provider(spot=True, preset="eks-fargate"),
    provider(spot=True, preset="aks-virtual"),
    provider(type="EC2", preset="eks-fargate"),
    provider(preset="eks-fargate", selector={"a": "b"}),
    provider(preset="eks-fargate", tolerations=[{"operator": "Exists"}]),
    provider(preset="gke", profileLabels={"a": "b"}),
    mounted({"name": "other"}),
    mounted({"name": "data", "host": {}, "configuredAtLaunch": True}),
    mounted({"name": "data", "dockerVolumeConfiguration": {"driverOpts": {"type": "nfs"}}}),
    mounted({"name": "data", "dockerVolumeConfiguration": {"driver": "rexray"}}),
    mounted({"name": "data", "s3filesVolumeConfiguration": {"fileSystemArn": "arn:aws:s3files:::x"}}),
    mounted(efs(rootDirectory="/a/../b")),
    mounted(efs(rootDirectory="..")),
    mounted(efs(authorizationConfig={"accessPointId": "fsap-1"})),
    mounted(efs(authorizationConfig={"iam": "ENABLED"})),
    mounted(efs(rootDirectory="/a", transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-1"})),
    mounted({"name": "data", "configuredAtLaunch": True}, {"name": "more", "configuredAtLaunch": True}),
    mounted({"name": "data", "host": {"sourcePath": "/a"}}, requiresCompatibilities=["FARGATE"], cpu=256, memory=512),
    mounted(
        {"name": "data", "dockerVolumeConfiguration": {}}, requiresCompatibilities=["FARGATE"], cpu=256, memory=512
    ),
    task({"secrets": [{"name": "A", "valueFrom": "secret:a/b"}], "environment": [{"name": "A"}]}),
    task({"secrets": [{"name": "A", "valueFrom": ""}]}),
    task({"environmentFiles": [{"value": "arn:aws:s3:::b/a.env", "type": "ssm"}]}),
    task({"volumesFrom": [{"sourceContainer": "nobody"}]}),
    task(taskRoleArn=""),
    service(volumeConfigurations=[{"name": "data", "managedEBSVolume": {"sizeInGiB": 0}}]),
    disk(sizeInGiB=None),
    containers({}, {}, ipcMode="none"),
    task(trustedExecutionConfiguration={"isolationMode": "ISOLATED_SANDBOX"}),
    task(trustedExecutionConfiguration={"attestationPolicy": "{}"}),
    task({"resourceRequirements": [{"type": "GPU", "value": "1", "sharingStrategy": {"nvidiaMps": {"memory": 1}}}]}),
    task({"portMappings": [{"protocol": "tcp"}]}),
    task({"portMappings": [{"containerPort": 80, "containerPortRange": "80-81"}]}),
    task({"portMappings": [{"containerPortRange": "80-81", "hostPort": 80}]}),
    task({"portMappings": [{"containerPortRange": "81-80"}]}),
    task({"portMappings": [{"containerPortRange": "80-65536"}]}),
    task({"portMappings": [{"containerPortRange": "all"}]}),
    task({"portMappings": [{"containerPort": 80}, {"containerPort": 81}, {"containerPort": 80}]}),
    task({"portMappings": [{"containerPort": 80}]}, networkMode="none"),
    task({"portMappings": [{"containerPortRange": "80-81"}]}, networkMode="host"),
    disk(volumeType="st1", iops=3000),
    disk(volumeType="io2", throughput=100),
    disk(volumeInitializationRate=100),
    disk(kmsKeyId="alias/a"),
    containers({"dependsOn": [{"containerName": "nobody", "condition": "START"}]}, {}),
    waiting("SUCCESS"),
    waiting("COMPLETE", entryPoint=["/run"]),
    waiting("HEALTHY"),
    waiting("HEALTHY", healthCheck={"command": ["NONE"]}),
    waiting("COMPLETE", essential=False),
    waiting("LATER"),
    containers({"hostname": "a"}, {"hostname": "b"}),
    containers({"dnsServers": ["10.0.0.1"]}, {"dnsServers": ["10.0.0.2"]}),
    task({"user": "www-data"}),
    task({"user": "1000:staff"}),
    task({"disableNetworking": True}),
    task({"credentialSpecs": ["credentialspec:x"]}),
    task({"dockerSecurityOptions": ["seccomp:unconfined"]}),
    task(linux(devices=[{"hostPath": "/dev/fuse"}])),
    task({"privileged": True, **linux(devices=[{"hostPath": "/dev/fuse", "containerPath": "/dev/f"}])}),
    task(linux(tmpfs=[{"containerPath": "/run", "size": 1, "mountOptions": ["noexec"]}])),
    task(linux(maxSwap=100)),
    task(linux(capabilities={"add": ["cap_chown"]})),
    task({"resourceRequirements": [{"type": "GPU", "value": "0"}]}),
    on_fargate({"privileged": True}),
    on_fargate({"links": ["db"]}),
    on_fargate(linux(sharedMemorySize=64)),
    on_fargate(linux(capabilities={"add": ["NET_ADMIN"]})),
    on_fargate({"stopTimeout": 121}),
    on_fargate({}, pidMode="host"),
    on_fargate({}, ipcMode="task"),
    task(enableFaultInjection=True),
    task(placementConstraints=[{"type": "distinctInstance"}]),
    task(placementConstraints=[{"type": "memberOf"}]),
    task(placementConstraints=[{"type": "memberOf", "expression": "x" * 2001}]),
    on_fargate({}, placementConstraints=[MEMBER]),
    rebalancing(schedulingStrategy="DAEMON"),
    rebalancing(deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 100}),
    rebalancing(placementStrategy=[{"type": "binpack", "field": "cpu"}]),
    rebalancing(placementStrategy=[{"type": "spread", "field": "instanceId"}, OVER_ZONES]),
    rebalancing(placementConstraints=[IN_A_ZONE]),
    service(availabilityZoneRebalancing="enabled"),
    service(schedulingStrategy="DAEMON", desiredCount=2),
    service(schedulingStrategy="DAEMON", **scaled(1, 2, "CPU")[1]),
    service(schedulingStrategy="DAEMON", placementStrategy=[{"type": "random"}]),
    service(on("one", weight=1), schedulingStrategy="DAEMON"),
    service(schedulingStrategy="DAEMON", launchType="FARGATE"),
    service(schedulingStrategy="DAEMON", deploymentConfiguration={"maximumPercent": 150}),
    service(schedulingStrategy="DAEMON", deploymentConfiguration={"lifecycleHooks": [hook()]}),
    service(deploymentConfiguration={"alarms": {"enable": True}}),
    service(deploymentConfiguration={"lifecycleHooks": [hook(name="x" * 33)]}),
    service(deploymentConfiguration={"lifecycleHooks": [hook(lifecycleStages=[])]}),
    service(deploymentConfiguration={"lifecycleHooks": [hook(lifecycleStages=["SCALE_UP"])]}),
    service(deploymentConfiguration={"lifecycleHooks": [hook(timeoutConfiguration={"timeoutInMinutes": 20161})]}),
    service(placementConstraints=[{"type": "memberOf"}]),
    service(placementConstraints=[{**MEMBER, "type": "distinctInstance"}]),
    service(placementConstraints=[MEMBER] * 11),
    service(placementStrategy=[{"type": "random", "field": "cpu"}]),
    service(placementStrategy=[{"type": "binpack"}]),
    service(placementStrategy=[{"type": "binpack", "field": "instanceId"}]),
    service(placementStrategy=[{"type": "spread", "field": "cpu"}]),
    service(placementStrategy=[{"type": "spread", "field": "zone"}]),
    service(placementStrategy=[{"type": "random"}] * 6),
    balanced(),
    balanced(network={"port": 80}, targetGroupArn="arn"),
    balanced(network={"port": 80, "listener": "tcp"}),
    balanced(application={}),
    balanced(application={"ingressClass": "alb", "listener": "https"}),
    balanced(application={"ingressClass": "alb", "redirects": [{"paths": ["/a"], "path": "/b"}]}),
    routed(ingressClass="alb"),
    routed(paths=["/api*"]),
    routed(paths=["/a//b"]),
    routed(hosts=["Shop.example.com"]),
    routed(redirects=[{"paths": ["/a"]}]),
    routed(redirects=[{"protocol": "HTTPS"}]),
    routed(healthCheck={"matcher": "200-499"}),
    service(loadBalancers=[{"containerName": "web", "containerPort": 80, "targetGroupArn": "a"}] * 6),
    service(serviceRegistries=[{"containerName": "web"}]),
    service(serviceRegistries=[{"containerName": "web", "containerPort": 80, "port": 80}]),
    service(serviceConnectConfiguration={"enabled": True, "services": [{"portName": "a", "discoveryName": "a_b"}]}),
    task(inferenceAccelerators=[{"deviceName": "a", "deviceType": "b"}]),
    task(proxyConfiguration={"containerName": "web"}),
    task(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2016_FULL"}),
    task(ephemeralStorage={"sizeInGiB": 20}),
]


def server_says(cluster: Cluster, kind: Kind, spec: Json) -> str:
    """The API server's refusal, empty when it takes the object; nothing is stored."""
    body = {"apiVersion": "berth.dev/v1alpha1", "kind": kind.kind, "metadata": {"name": "web"}, "spec": spec}
    return cluster.refusal(body)


def python_says(kind: Kind, spec: Json) -> list[str]:
    """The models' refusal, empty when they take the spec."""
    try:
        kind.spec.model_validate(spec)
    except ValidationError as error:
        return [one["msg"].removeprefix("Value error, ") for one in error.errors()]
    return []


def messages(node: Schema) -> Iterator[str]:
    for rule in node.get("x-kubernetes-validations", ()):
        yield rule["message"]
    children = [*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")]
    for child in children:
        yield from messages(child) if child else ()


RULES = {
    message
    for kind in KINDS
    for message in messages(crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"])
    if not message.startswith(NO_TWIN)
}


@pytest.mark.parametrize(("name", "spec"), ACCEPTED)
def test_both_accept(cluster: Cluster, name: str, spec: Json) -> None:
    assert python_says(KIND[name], spec) == []
    assert server_says(cluster, KIND[name], spec) == ""


@pytest.mark.parametrize(("name", "spec"), REFUSED)
def test_both_refuse(cluster: Cluster, name: str, spec: Json) -> None:
    python, server = python_says(KIND[name], spec), server_says(cluster, KIND[name], spec)
    assert python
    assert server
    for message in RULES.intersection(python):
        assert message in server
    assert "evaluating rule" not in server


def test_the_table_breaks_every_rule() -> None:
    broken = {message for name, spec in REFUSED for message in python_says(KIND[name], spec)}
    assert broken >= RULES, RULES - broken


NAMES = ["web", "a", "a-1", "a" * 52, "", "a" * 53, "a" * 63, "a" * 64, "1a", "a-", "a.b", "-a"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.rules], ids=lambda kind: kind.kind)
@pytest.mark.parametrize("name", [name for name in NAMES if name])
def test_both_agree_on_names(cluster: Cluster, kind: Kind, name: str) -> None:
    specs = dict(reversed(ACCEPTED))
    body = {"apiVersion": "berth.dev/v1alpha1", "kind": kind.kind, "metadata": {"name": name}, "spec": specs[kind.kind]}
    assert bool(cluster.refusal(body)) != all(rule.holds(body) for rule in kind.rules)
