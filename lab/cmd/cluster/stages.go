package main

import (
	"strings"

	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

// podSlow lets simulated pods be ready only five seconds after their start, where an image has a tag that begins with `slow`.
var podSlow = strings.NewReplacer(
	"name: pod-ready", "name: pod-slow",
	"    matchExpressions:\n", "    matchExpressions:\n    - key: .spec.containers[].image | select(contains(\":slow\"))\n      operator: Exists\n",
	"  next:\n", "  weight: 1\n  delay:\n    durationMilliseconds: 5000\n  next:\n",
).Replace(podfast.DefaultPodReady)

// podFails lets simulated containers fail whose image has a tag that begins with `fails`: each ends as soon as it starts, again and
// again. No pod of such an image is ever ready.
const podFails = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: pod-fails
spec:
  resourceRef:
    apiGroup: v1
    kind: Pod
  selector:
    matchExpressions:
    - key: .metadata.deletionTimestamp
      operator: DoesNotExist
    - key: .spec.containers[].image | select(contains(":fails"))
      operator: Exists
  # Those that come with KWOK have none, so none of them is chosen where this one may be.
  weight: 1
  delay:
    durationMilliseconds: 700
  next:
    statusTemplate: |
      {{ $now := Now }}
      {{ $before := .status.containerStatuses }}
      phase: Running
      hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
      podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
      startTime: {{ $now | Quote }}
      conditions:
      {{ range $kind, $status := dict "Initialized" "True" "ContainersReady" "False" "Ready" "False" }}
      - lastTransitionTime: {{ $now | Quote }}
        type: {{ $kind }}
        status: {{ $status | Quote }}
      {{ end }}
      containerStatuses:
      {{ range $place, $container := .spec.containers }}
      - image: {{ $container.image | Quote }}
        name: {{ $container.name | Quote }}
        {{ if contains ":fails" $container.image }}
        ready: false
        restartCount: {{ if $before }}{{ add1 (atoi (toString (index $before $place).restartCount)) }}{{ else }}1{{ end }}
        state:
          waiting:
            reason: CrashLoopBackOff
            message: back-off restarting a simulated container
        lastState:
          terminated:
            exitCode: 1
            reason: Error
            startedAt: {{ $now | Quote }}
            finishedAt: {{ $now | Quote }}
        {{ else }}
        ready: true
        restartCount: 0
        state:
          running:
            startedAt: {{ $now | Quote }}
        {{ end }}
      {{ end }}
`
