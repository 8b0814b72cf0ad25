{{- define "berth.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "berth.fullname" -}}
{{- $name := include "berth.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Names of cluster-scoped objects: two releases of one name in two namespaces must not meet. */}}
{{- define "berth.clusterName" -}}
{{- $fullname := include "berth.fullname" . }}
{{- if eq .Release.Namespace (printf "%s-system" $fullname) }}
{{- $fullname }}
{{- else }}
{{- printf "%s-%s" .Release.Namespace $fullname }}
{{- end }}
{{- end }}

{{- define "berth.selectorLabels" -}}
app.kubernetes.io/name: {{ include "berth.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "berth.podLabels" -}}
{{ include "berth.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: berth
app.kubernetes.io/version: {{ .Chart.AppVersion }}
{{- end }}

{{- define "berth.labels" -}}
{{ include "berth.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "berth.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "berth.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is required when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "berth.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "berth.leaseName" -}}
{{- default "berth-leader" .Values.settings.leaseName }}
{{- end }}

{{/* The namespaces of a namespaced operator, as a JSON list; empty for the whole cluster. */}}
{{- define "berth.namespaces" -}}
{{- if eq .Values.rbac.scope "namespaced" }}
{{- default (list .Release.Namespace) .Values.watchNamespaces | uniq | toJson }}
{{- else if .Values.watchNamespaces }}
{{- fail "watchNamespaces needs rbac.scope=namespaced; leave it empty to serve the whole cluster" }}
{{- else }}
{{- list | toJson }}
{{- end }}
{{- end }}

{{- define "berth.priorityClass" -}}
{{- printf "%s-headroom" (include "berth.clusterName" .) }}
{{- end }}

{{- define "berth.subjects" -}}
- kind: ServiceAccount
  name: {{ include "berth.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* Rights that the operator needs only for what the platform asks for. */}}
{{- define "berth.optionalRules" -}}
{{- if .Values.rbac.secretChanges }}
{{ include "berth.rules.secret-changes" . }}
{{- end }}
{{- if dig "secrets" "stores" list .Values.platform }}
{{ include "berth.rules.external-secrets" . }}
{{- end }}
{{- if dig "taskRoles" "irsa" false .Values.platform }}
{{ include "berth.rules.service-accounts" . }}
{{- end }}
{{- if dig "network" "enforcesPolicies" false .Values.platform }}
{{ include "berth.rules.network-policies" . }}
{{- end }}
{{- if dig "network" "gatewayApi" false .Values.platform }}
{{ include "berth.rules.gateway-api" . }}
{{- end }}
{{- if dig "network" "ingressClasses" dict .Values.platform }}
{{ include "berth.rules.ingresses" . }}
{{- end }}
{{- if dig "ecr" "registries" list .Values.platform }}
{{ include "berth.rules.ecr" . }}
{{- end }}
{{- if and (dig "managedScaling" "karpenter" false .Values.platform) (empty (include "berth.namespaces" . | fromJsonArray)) }}
{{ include "berth.rules.karpenter" . }}
{{- end }}
{{- end }}
