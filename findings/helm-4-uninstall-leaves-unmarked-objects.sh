#!/usr/bin/env bash
# Helm 4 leaves the objects of a release that carry no mark of Helm's, deletes the record of the release, and ends with 0.
#
# Guess:   `helm uninstall` deletes the objects of the release's manifest, as Helm 2 and 3 do; or if it cannot, it fails and
#          keeps the record.
# Found:   3.17.3 deletes them. 4.3.1 passes over each one without the label `app.kubernetes.io/managed-by` and the two
#          annotations of its owner, says so in a warning, says "uninstalled" and exits with 0. No record names them any more.
# Matters: to releases of Helm before 3.2, those brought over from Helm 2, and objects whose labels somebody has replaced: one
#          upgrade by Helm 3.2 or later marks them.
# Seen:    2026-11-30, helm 3.17.3 and 4.3.1 for x86-64 as they are released (from PyPI), Kubernetes 1.20.2. Output: see
#          `expected` below.
set -euo pipefail
. "$(dirname "$0")/parts/api-server.sh"

mkdir -p "$folder/chart/templates"
printf 'apiVersion: v1\nname: chart\nversion: 1.0.0\n' >"$folder/chart/Chart.yaml"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-map"}\n' >"$folder/chart/templates/map.yaml"
kubectl() { "$programs/kubectl-1.31" "$@"; }

seen=$(for version in 3.17 4.3; do
  release=by-${version%.*}
  "$programs/helm-3.17" install "$release" "$folder/chart" >/dev/null
  kubectl label configmap "$release-map" app.kubernetes.io/managed-by- >/dev/null
  kubectl annotate configmap "$release-map" meta.helm.sh/release-name- meta.helm.sh/release-namespace- >/dev/null
  "$programs/helm-$version" uninstall "$release" 2>/dev/null | tail -n 1 && echo "helm $version: exit 0"
  kubectl get secrets,configmaps --output name | grep "$release" || echo 'nothing is left'
done)
expected='release "by-3" uninstalled
helm 3.17: exit 0
nothing is left
release "by-4" uninstalled
helm 4.3: exit 0
configmap/by-4-map'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
