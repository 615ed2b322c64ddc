#!/usr/bin/env bash
# Helm 4 cannot install a Service whose ports do not say their protocol on Kubernetes 1.20; Helm 3 can.
#
# Guess:   `protocol` is TCP where nothing is said, for every client.
# Found:   4.3.1 sends new releases by server-side apply, and the API server of 1.20.2 looks for the key of a port before it
#          fills in the default: the install fails, and the release is recorded as failed. `--server-side=false` passes. 3.17.3
#          never applies on the server.
# Matters: to nearly every chart on an old cluster: `helm create` of today names the protocol, few older charts do.
# Seen:    2026-11-30, helm 3.17.3 and 4.3.1 for x86-64 as they are released (from PyPI), Kubernetes 1.20.2. Output: see
#          `expected` below.
set -euo pipefail
. "$(dirname "$0")/parts/api-server.sh"

mkdir -p "$folder/chart/templates"
printf 'apiVersion: v1\nname: chart\nversion: 1.0.0\n' >"$folder/chart/Chart.yaml"
cat >"$folder/chart/templates/service.yaml" <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {ports: [{port: 80}]}
YAML
install() {
  local helm=$1 said status=0
  shift
  said=$("$programs/helm-$helm" install "$1" "$folder/chart" "${@:2}" 2>&1) || status=$?
  echo "helm $helm ${*:2}: exit $status"
  grep -o 'associative list with keys .*' <<<"$said" || true
}
seen=$(install 3.17 three
install 4.3 four
install 4.3 other --server-side=false)
expected='helm 3.17 : exit 0
helm 4.3 : exit 1
associative list with keys has an element that omits key field "protocol" (and doesn'"'"'t have default value)
helm 4.3 --server-side=false: exit 0'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
