#!/usr/bin/env bash
# Helm installs a release that it cannot uninstall: nobody looks at a hook's API version before the hook's time has come.
#
# Guess:   a chart with an object of an API version that the server does not serve fails at install, hook or not, since all
#          of it is rendered and read then.
# Found:   3.17.3 and 4.3.1 install it. `uninstall` fails before it deletes anything, whenever it is tried; with `--no-hooks`
#          it passes.
# Matters: to old charts, and to every release that outlives an upgrade of the cluster: what is looked through for removed
#          API versions has to include the hooks.
# Seen:    2026-11-30, helm 3.17.3 and 4.3.1 for x86-64 as they are released (from PyPI), Kubernetes 1.20.2. Output: see
#          `expected` below.
set -euo pipefail
. "$(dirname "$0")/parts/api-server.sh"

mkdir -p "$folder/chart/templates"
printf 'apiVersion: v1\nname: chart\nversion: 1.0.0\n' >"$folder/chart/Chart.yaml"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-map"}\n' >"$folder/chart/templates/map.yaml"
# extensions/v1beta1 has no Deployments since Kubernetes 1.16.
cat >"$folder/chart/templates/hook.yaml" <<'YAML'
apiVersion: extensions/v1beta1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: pre-delete}}
spec:
  template:
    metadata: {labels: {app: hook}}
    spec: {containers: [{name: main, image: example.com/main:1.0}]}
YAML

try() {
  local said status=0
  said=$("$@" 2>&1) || status=$?
  echo "$(basename "$1") $2 ${5-${4-}}: exit $status" | sed "s,$folder/chart,," | tr -s ' '
  grep -o 'no matches for kind.*' <<<"$said" || true
}
seen=$(for version in 3.17 4.3; do
  release=by-${version%.*}
  try "$programs/helm-$version" install "$release" "$folder/chart"
  try "$programs/helm-$version" uninstall "$release"
  "$programs/kubectl-1.31" get configmaps --output name | grep "$release"
  try "$programs/helm-$version" uninstall "$release" --no-hooks
done)
expected='helm-3.17 install : exit 0
helm-3.17 uninstall : exit 1
no matches for kind "Deployment" in version "extensions/v1beta1"
configmap/by-3-map
helm-3.17 uninstall --no-hooks: exit 0
helm-4.3 install : exit 0
helm-4.3 uninstall : exit 1
no matches for kind "Deployment" in version "extensions/v1beta1"
configmap/by-4-map
helm-4.3 uninstall --no-hooks: exit 0'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
