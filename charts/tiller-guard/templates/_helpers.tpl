{{/* The x of Kubernetes 1.x. One built from source may call itself v0.0.0: what it serves decides then. */}}
{{- define "tiller-guard.minor" -}}
{{- if .Values.kubeVersion -}}
{{- index (splitList "." (trimPrefix "v" .Values.kubeVersion)) 1 -}}
{{- else -}}
{{- $minor := regexReplaceAll "[^0-9].*$" .Capabilities.KubeVersion.Minor "" -}}
{{- $served := .Capabilities.APIVersions -}}
{{- if ge (int $minor) 10 -}}{{ $minor }}
{{- else if $served.Has "resource.k8s.io/v1" -}}34
{{- else if $served.Has "flowcontrol.apiserver.k8s.io/v1" -}}29
{{- else if $served.Has "autoscaling/v2" -}}23
{{- else if $served.Has "policy/v1" -}}21
{{- else if $served.Has "flowcontrol.apiserver.k8s.io/v1beta1" -}}20
{{- else if $served.Has "certificates.k8s.io/v1" -}}19
{{- else if $served.Has "discovery.k8s.io/v1beta1" -}}17
{{- else if $served.Has "admissionregistration.k8s.io/v1" -}}16
{{- else if $served.Has "coordination.k8s.io/v1" -}}14
{{- else if $served.Has "coordination.k8s.io/v1beta1" -}}12
{{- else -}}10
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tiller-guard.labels" -}}
app.kubernetes.io/name: tiller-guard
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "tiller-guard.podLabels" -}}
app.kubernetes.io/name: tiller-guard
{{- end -}}

{{- define "tiller-guard.metadata" -}}
name: tiller-guard
namespace: {{ .Release.Namespace }}
labels:
  {{- include "tiller-guard.labels" . | nindent 2 }}
{{- end -}}

{{/* Of what renews the certificates of teams */}}
{{- define "tiller-guard.renewalMetadata" -}}
name: renew-certificates
namespace: {{ .Release.Namespace }}
labels:
  {{- include "tiller-guard.labels" . | nindent 2 }}
{{- end -}}

{{- define "tiller-guard.podSecurity" -}}
{{- $minor := int (include "tiller-guard.minor" .) -}}
runAsNonRoot: true
{{- if ne (include "tiller-guard.user" .) "project" }}
runAsUser: 65534
{{- if ge $minor 14 }}
runAsGroup: 65534
{{- end }}
{{- end }}
{{- if ge $minor 19 }}
seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- end -}}

{{- define "tiller-guard.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The names of accounts that are taken for Tillers', in CEL: of a field of the pod */}}
{{- define "tiller-guard.accountMatches" -}}
{{- $field := .field -}}
{{- $patterns := list "tiller" "tiller-*" -}}
{{- range .patterns -}}{{- $patterns = append $patterns . -}}{{- end -}}
{{- range $index, $pattern := $patterns -}}
{{- if $index }} || {{ end -}}
{{- if hasSuffix "*" $pattern -}}
{{ $field }}.startsWith('{{ trimSuffix "*" $pattern }}')
{{- else -}}
{{ $field }} == '{{ $pattern }}'
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A condition of files/, with the patterns of accounts in it */}}
{{- define "tiller-guard.condition" -}}
{{- $text := .root.Files.Get (printf "files/%s.cel" .name) | trim -}}
{{- range $field := list "pod.spec.serviceAccountName" "pod.spec.serviceAccount" -}}
{{- $matches := include "tiller-guard.accountMatches" (dict "field" $field "patterns" $.root.Values.accountPatterns) -}}
{{- $text = replace (printf "MATCHES(%s)" $field) (printf "(%s)" $matches) $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{/* Findings of scanners that are accepted, with the reason: checkov looks at the object's own annotations. Each
     kind of object has a list of its own, in a dictionary with the chart's root. */}}
{{- define "tiller-guard.skips" -}}
{{- $noTiller := "this is not a Tiller; it keeps Tillers out" -}}
{{- $skips := list -}}
{{- if eq .kind "ClusterRole" -}}
{{- $skips = append $skips "CKV_K8S_155=it writes the bundle of its own CAs into its own two webhook configurations, by name, and nothing else" -}}
{{- else if eq .kind "CronJob" -}}
{{- $skips = append $skips "CKV_K8S_15=a version's image is not written anew, and nodes may have it when a registry does not answer" -}}
{{- $skips = append $skips (printf "CKV_K8S_34=%s" $noTiller) -}}
{{- $skips = append $skips "CKV_K8S_38=it writes certificates as its service account" -}}
{{- $skips = append $skips "CKV_K8S_43=the image is named by its version; install --image and the chart's image.digest name a digest" -}}
{{- $skips = append $skips (printf "CKV_K8S_45=%s" $noTiller) -}}
{{- if eq (include "tiller-guard.user" .root) "project" -}}
{{- $skips = append $skips "CKV_K8S_40=OpenShift gives the pods a user of their project's range" -}}
{{- end -}}
{{- else if eq .kind "Service" -}}
{{- $skips = append $skips (printf "CKV_K8S_44=%s" $noTiller) -}}
{{- else -}}
{{- $skips = append $skips "CKV_K8S_15=a version's image is not written anew, and nodes may have it when a registry does not answer" -}}
{{- $skips = append $skips (printf "CKV_K8S_34=%s" $noTiller) -}}
{{- $skips = append $skips "CKV_K8S_38=it watches the cluster as its service account" -}}
{{- $skips = append $skips "CKV_K8S_43=the image is named by its version; install --image and the chart's image.digest name a digest" -}}
{{- $skips = append $skips (printf "CKV_K8S_45=%s" $noTiller) -}}
{{- if .root.Values.hostNetwork -}}
{{- $skips = append $skips "CKV_K8S_19=the API server reaches pods on their nodes' network only" -}}
{{- $skips = append $skips "CKV_K8S_26=the pods are on their nodes' network" -}}
{{- end -}}
{{- if eq (include "tiller-guard.user" .root) "project" -}}
{{- $skips = append $skips "CKV_K8S_40=OpenShift gives the pods a user of their project's range" -}}
{{- end -}}
{{- end -}}
annotations:
{{- range $index, $skip := $skips }}
  checkov.io/skip{{ add1 $index }}: {{ $skip | quote }}
{{- end }}
{{- end -}}

{{/* `runAsUser` of the policy */}}
{{- define "tiller-guard.user" -}}
{{- index (fromYaml (include "tiller-guard.policy" .)) "runAsUser" | default "nobody" | toString -}}
{{- end -}}

{{/* The policy file: the one of the values; else the one that is installed, which Helm 2 cannot look up; else the first */}}
{{- define "tiller-guard.policy" -}}
{{- if .Values.policy -}}
{{- .Values.policy -}}
{{- else -}}
{{- $found := dict -}}
{{- if ne .Release.Service "Tiller" -}}
{{- /* Helm 2 does not know this function, and reads no template in a text that it does not need. */ -}}
{{- $found = tpl "{{ lookup \"v1\" \"ConfigMap\" .Release.Namespace \"tiller-guard-policy\" | toJson }}" . | fromJson -}}
{{- end -}}
{{- $text := "apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: enforce\n" -}}
{{- if hasKey $found "data" -}}
{{- $text = index $found "data" "policy.yaml" -}}
{{- end -}}
{{- if .Values.mode -}}
{{- if not (regexMatch "(?m)^mode:" $text) }}{{ fail "the installed policy has no line mode: set policy instead of mode" }}{{ end -}}
{{- $text = regexReplaceAll "(?m)^mode:.*$" $text (printf "mode: %s" .Values.mode) -}}
{{- end -}}
{{- $text -}}
{{- end -}}
{{- end -}}

{{/* The page of the manual about operating */}}
{{- define "tiller-guard.operate" -}}
{{ .Chart.Home }}/blob/{{ .Chart.AppVersion }}/docs/operate.md
{{- end -}}

{{- /* Before Kubernetes 1.21 nobody labels namespaces with their names. Without these labels the API server asks tiller-guard about
tiller-guard's own pods, and the first of them is never created. Helm 2 and "helm template" see no namespaces, so they stop nobody. */ -}}
{{- define "tiller-guard.require-labels" -}}
{{- $found := dict -}}
{{- if ne .Release.Service "Tiller" -}}
{{- $found = tpl "{{ dict \"system\" (lookup \"v1\" \"Namespace\" \"\" \"kube-system\") \"own\" (lookup \"v1\" \"Namespace\" \"\" .Release.Namespace) | toJson }}" . | fromJson -}}
{{- end -}}
{{- if and $found $found.system -}}
{{- $commands := list -}}
{{- if not $found.own }}{{ $commands = append $commands (printf "kubectl create namespace %s" .Release.Namespace) }}{{ end -}}
{{- range $name, $namespace := dict "kube-system" $found.system .Release.Namespace $found.own -}}
{{- $labels := dict -}}
{{- if $namespace }}{{ $labels = $namespace.metadata.labels | default dict }}{{ end -}}
{{- if ne (index $labels "kubernetes.io/metadata.name" | default "") $name -}}
{{- $commands = append $commands (printf "kubectl label namespace %s kubernetes.io/metadata.name=%s" $name $name) -}}
{{- end -}}
{{- end -}}
{{- if $commands -}}
{{- fail (printf "before Kubernetes 1.21 namespaces do not have the label kubernetes.io/metadata.name, without which no pod of tiller-guard can start; run first: %s" (join "; " $commands)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
