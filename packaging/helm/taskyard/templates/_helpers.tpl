{{- define "taskyard.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "taskyard.selector" -}}
app.kubernetes.io/name: taskyard
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "taskyard.labels" -}}
{{ include "taskyard.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "taskyard.image" -}}
{{- $tag := required "image.tag names the image" .Values.image.tag | toString -}}
{{ .Values.image.repository }}{{ ternary "@" ":" (hasPrefix "sha256:" $tag) }}{{ $tag }}
{{- end -}}

{{/* What all pods have: no rights beyond those of a process that opens connections. */}}
{{- define "taskyard.pod" -}}
serviceAccountName: {{ include "taskyard.name" . }}
automountServiceAccountToken: false
# Services of the namespace would become settings: one named metrics sets METRICS_PORT.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: settings
    configMap:
      name: {{ include "taskyard.name" . }}
  - name: data
    emptyDir: {}
  - name: tmp
    emptyDir: {}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "taskyard.container" -}}
image: {{ include "taskyard.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: settings
    mountPath: /etc/taskyard
    readOnly: true
  - name: data
    mountPath: /var/lib/taskyard
  - name: tmp
    mountPath: /tmp
{{- end -}}
