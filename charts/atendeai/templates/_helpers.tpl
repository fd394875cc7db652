{{/* Not to be overridden: the NetworkPolicies of the stacks let the operator in by this label. */}}
{{- define "atendeai.name" -}}
atendeai-operator
{{- end }}

{{/* The name of every object of the release: atendeai-operator for a release called atendeai. */}}
{{- define "atendeai.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "atendeai.selectorLabels" -}}
app.kubernetes.io/name: {{ include "atendeai.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "atendeai.labels" -}}
{{ include "atendeai.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: atendeai
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "atendeai.serviceAccountName" -}}
{{- default (include "atendeai.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "atendeai.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}

{{/* All images that the operator hands out, as it reads them from ATENDEAI_IMAGES. */}}
{{- define "atendeai.images" -}}
{{- merge (dict "operator" (include "atendeai.image" .)) .Values.images | toJson }}
{{- end }}

{{- define "atendeai.monitored" -}}
{{- $monitor := .Values.metrics.serviceMonitor.enabled -}}
{{- if or (eq $monitor "Always") (and (eq $monitor "Auto") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor")) -}}
yes
{{- end }}
{{- end }}
