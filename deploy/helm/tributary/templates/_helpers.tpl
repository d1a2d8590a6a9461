{{- /* Names, labels and sums that templates share. */}}

{{- define "tributary.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "tributary.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tributary.labels" -}}
{{ include "tributary.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "tributary.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "tributary.name" .) }}
{{- end }}

{{- define "tributary.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* The size of a version in Mi. */}}
{{- define "tributary.bundleMi" -}}
{{- $size := .Values.bundleSize }}
{{- if hasSuffix "Gi" $size }}{{ mul 1024 (trimSuffix "Gi" $size | int) }}
{{- else }}{{ trimSuffix "Mi" $size | int }}{{ end }}
{{- end }}

{{- /* What PodSecurity "restricted" asks of a pod, and of a container. */}}
{{- define "tributary.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tributary.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tributary.serverConfig" -}}
{{- $drain := .Values.server.drain }}
{{- $ours := dict
  "bundles" "/bundles" "control" "unix:/bundles/control.sock"
  "listen" "0.0.0.0:7700" "http" "0.0.0.0:7701" "admin" "0.0.0.0:7702"
  "execution" (dict "drain_delay_ms" (mul 1000 $drain.delaySeconds)
    "drain_ms" (mul 1000 $drain.seconds)) }}
{{- $tls := .Values.tls }}
{{- if $tls.existingSecret }}
{{- $files := dict "certificate_file" "/tls/tls.crt" "private_key_file" "/tls/tls.key"
  "require_client_certificate" $tls.requireClientCertificate }}
{{- with $tls.clientAuthorities }}{{ $_ := set $files "client_ca_file" (printf "/tls/%s" .) }}{{ end }}
{{- $_ := set $ours "tls" $files }}
{{- else if or $tls.clientAuthorities $tls.requireClientCertificate }}
{{- fail "tls: clientAuthorities and requireClientCertificate need existingSecret" }}
{{- end }}
{{- $access := dict }}
{{- with .Values.access.grants }}
{{- $loader := dict "who" (list "socket") "roles" (list "observe" "operate") }}
{{- $_ := set $access "grants" (prepend . $loader) }}
{{- end }}
{{- if .Values.access.existingSecret }}{{ $_ := set $access "tokens_file" "/access/tokens" }}{{ end }}
{{- if $access }}{{ $_ := set $ours "access" $access }}{{ end }}
{{- range $name := list "bundles" "control" "listen" "http" "admin" }}
{{- if hasKey $.Values.server.config $name }}
{{- fail (printf "server.config.%s: the chart sets it, for its probes and Services; leave it out" $name) }}
{{- end }}
{{- end }}
{{- range $name := list "certificate_file" "private_key_file" "client_ca_file" "require_client_certificate" }}
{{- if hasKey ($.Values.server.config.tls | default dict) $name }}
{{- fail (printf "server.config.tls.%s: set tls.existingSecret instead, which is mounted" $name) }}
{{- end }}
{{- end }}
{{- range $name := list "grants" "tokens_file" }}
{{- if hasKey ($.Values.server.config.access | default dict) $name }}
{{- fail (printf "server.config.access.%s: set access instead, to which the chart adds what the loader needs" $name) }}
{{- end }}
{{- end }}
{{- range $name := list "drain_delay_ms" "drain_ms" }}
{{- if hasKey ($.Values.server.config.execution | default dict) $name }}
{{- fail (printf "server.config.execution.%s: set server.drain instead, from which the time to end follows" $name) }}
{{- end }}
{{- end }}
{{- mergeOverwrite (dict "admin_only" true) (deepCopy .Values.server.config) $ours | toYaml }}
{{- end }}

{{- define "tributary.loaderConfig" -}}
{{- $ours := dict "store" .store "bundles" "/bundles" "control" "unix:/bundles/control.sock" }}
{{- with .root.Values.store.s3 }}{{ $_ := set $ours "s3" . }}{{ end }}
{{- if .root.Values.signing.existingConfigMap }}
{{- $keys := list }}
{{- range .root.Values.signing.keys }}{{ $keys = append $keys (printf "/keys/%s" .) }}{{ end }}
{{- $_ := set $ours "public_keys" $keys }}
{{- end }}
{{- /* The canary is brought back by publishing the version before again. */}}
{{- if eq .track "canary" }}{{ $_ := set $ours "allow_older" true }}{{ end }}
{{- range $name := list "store" "bundles" "control" "s3" "public_keys" }}
{{- if hasKey $.root.Values.loader.config $name }}
{{- fail (printf "loader.config.%s: the chart sets it, from its own values; leave it out" $name) }}
{{- end }}
{{- end }}
{{- mergeOverwrite (deepCopy .root.Values.loader.config) $ours | toYaml }}
{{- end }}

{{- /* Credentials of a store, from a secret. */}}
{{- define "tributary.credentials" -}}
{{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: {{ $ }}, key: {{ $name }}{{ if eq $name "AWS_SESSION_TOKEN" }}, optional: true{{ end }}}
{{- end }}
{{- end }}
