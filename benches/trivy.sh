#!/usr/bin/env bash
# `make bench`: `tiller-guard check` of 2,000 files beside Trivy on the same files.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly FILES=2000 LEAST=100
trivy=$(tests/scanners/trivy.sh)
[ -n "$trivy" ] || exit 0
cargo build --release --locked --quiet --bin tiller-guard
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/files"
# Every tenth is a Tiller as `helm init` makes it, the others are ordinary.
for number in $(seq "$FILES"); do
  image=registry.example.com/team/web:1.2.3
  [ $((number % 10)) != 0 ] || image=ghcr.io/helm/tiller:v2.17.0
  sed "s|NUMBER|$number|; s|IMAGE|$image|" >"$folder/files/$number.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-NUMBER, namespace: team, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
      - name: web
        image: IMAGE
        ports: [{containerPort: 8080}]
        env: [{name: ONE, value: "1"}, {name: TWO, value: "2"}]
        resources: {requests: {cpu: 100m, memory: 128Mi}}
YAML
done
# Milliseconds of a command, whatever it finds; an exit code from 2 on is a failure.
took() {
  local begin end code=0
  begin=$(date +%s%N)
  "$@" >"$folder/printed" 2>&1 || code=$?
  end=$(date +%s%N)
  [ "$code" -le 1 ] || { cat "$folder/printed" >&2; return 1; }
  echo $(((end - begin) / 1000000))
}
check=$(for _ in 1 2 3; do took target/release/tiller-guard check "$folder/files"; done | sort -n | head -1)
other=$(took "$trivy" config --quiet --skip-check-update --format json "$folder/files")
factor=$((other / check))
echo "check of $FILES files: $check ms; Trivy: $other ms; $factor times, at least $LEAST"
[ "$factor" -ge "$LEAST" ]
