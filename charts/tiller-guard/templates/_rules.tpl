{{/* What a webhook is asked about; `scope` is of Kubernetes 1.14. Each takes the x of Kubernetes 1.x. */}}
{{- define "tiller-guard.rule" -}}
- operations: {{ .operations | default (list "CREATE" "UPDATE") | toJson }}
  apiGroups: [{{ .group | quote }}]
  apiVersions: ["*"]
  resources: {{ toJson .resources }}
  {{- if ge .minor 14 }}
  scope: {{ .scope | default "Namespaced" | quote }}
  {{- end }}
{{- end -}}

{{- define "tiller-guard.rules.controllers" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "apps" "resources" (list "daemonsets" "deployments" "replicasets" "statefulsets")) }}
{{ include "tiller-guard.rule" (dict "minor" . "group" "batch" "resources" (list "cronjobs" "jobs")) }}
{{ include "tiller-guard.rule" (dict "minor" . "group" "extensions" "resources" (list "daemonsets" "deployments" "replicasets")) }}
{{- end -}}

{{- define "tiller-guard.rules.workloads" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "" "resources" (list "pods" "pods/ephemeralcontainers" "pods/resize" "podtemplates" "replicationcontrollers")) }}
{{ include "tiller-guard.rules.controllers" . }}
{{- end -}}

{{- define "tiller-guard.rules.workloads-and-services" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "" "resources" (list "pods" "pods/ephemeralcontainers" "pods/resize" "podtemplates" "replicationcontrollers" "services")) }}
{{ include "tiller-guard.rules.controllers" . }}
{{- end -}}

{{- define "tiller-guard.rules.addresses" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "" "resources" (list "endpoints")) }}
{{ include "tiller-guard.rule" (dict "minor" . "group" "discovery.k8s.io" "resources" (list "endpointslices")) }}
{{ include "tiller-guard.rule" (dict "minor" . "group" "extensions" "resources" (list "ingresses")) }}
{{ include "tiller-guard.rule" (dict "minor" . "group" "gateway.networking.k8s.io" "resources" (list "grpcroutes" "httproutes" "tcproutes" "tlsroutes")) }}
{{ include "tiller-guard.rule" (dict "minor" . "group" "networking.k8s.io" "resources" (list "ingresses")) }}
{{- end -}}

{{- define "tiller-guard.rules.access" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "rbac.authorization.k8s.io" "resources" (list "clusterrolebindings" "clusterroles" "rolebindings" "roles") "scope" "*") }}
{{- end -}}

{{- define "tiller-guard.rules.custody" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "" "resources" (list "secrets" "serviceaccounts/token")) }}
{{- end -}}

{{- define "tiller-guard.rules.records" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "" "resources" (list "configmaps")) }}
{{- end -}}

{{- define "tiller-guard.rules.connections" -}}
{{ include "tiller-guard.rule" (dict "minor" . "group" "" "resources" (list "pods/attach" "pods/exec" "pods/portforward" "pods/proxy" "services/proxy") "operations" (list "CONNECT")) }}
{{- end -}}
