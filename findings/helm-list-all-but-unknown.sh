#!/usr/bin/env bash
# `helm list --all` leaves out releases whose status is `unknown`, which `helm status` shows.
#
# Guess:   `--all`, "without any filter", lists every release that is recorded.
# Found:   all but those: such a release is in no list of 3.17.3 and 4.3.1, whatever flag is given (4.3.1 lists all by default),
#          while `helm status` prints it.
# Matters: to who converts releases of Helm 2, whose code 0 is UNKNOWN: written as `unknown` they are there and cannot be seen.
# Seen:    2026-11-30, helm 3.17.3 and 4.3.1 for x86-64 as they are released (from PyPI), Kubernetes 1.20.2. Output: see
#          `expected` below.
set -euo pipefail
. "$(dirname "$0")/parts/api-server.sh"

mkdir -p "$folder/chart"
printf 'apiVersion: v1\nname: chart\nversion: 1.0.0\n' >"$folder/chart/Chart.yaml"
"$programs/helm-3.17" install web "$folder/chart" >/dev/null
record=secret/sh.helm.release.v1.web.v1
data=$("$programs/kubectl-1.31" get "$record" --output 'jsonpath={.data.release}' | python3 -c '
import base64, gzip, json, sys
release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(sys.stdin.read()))))
release["info"]["status"] = "unknown"
print(base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode())')
"$programs/kubectl-1.31" patch "$record" --patch \
  "{\"metadata\": {\"labels\": {\"status\": \"unknown\"}}, \"data\": {\"release\": \"$data\"}}" >/dev/null

seen=$(for version in 3.17 4.3; do
  helm="$programs/helm-$version"
  all=--all
  [ "$version" = 3.17 ] || all=
  echo "helm $version list: $("$helm" list $all --short | tr '\n' ' ')"
  echo "helm $version status: $("$helm" status web --output json | python3 -c 'import json, sys
print(json.load(sys.stdin)["info"]["status"])')"
done)
expected='helm 3.17 list: 
helm 3.17 status: unknown
helm 4.3 list: 
helm 4.3 status: unknown'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
