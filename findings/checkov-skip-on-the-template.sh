#!/usr/bin/env bash
# checkov: an annotation `checkov.io/skip1` on a Deployment's pod template skips nothing; on the Deployment itself it does.
#
# Guess:   a check that looks at containers, and names Pod in its documentation, is skipped by the annotation of the pod
#          template, since that is where the annotations of the pods stand.
# Found:   the check fails for the Deployment all the same. The same annotation in the Deployment's own metadata skips it.
# Matters: for charts that annotate pods: the skip and its reason have no effect, and the scan stays red.
# Seen:    2026-11-30, checkov 3.3.30 from PyPI, Python 3.11, `--framework kubernetes`. Output: see `expected` below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check checkov==3.3.30

# The name, the annotations of the Deployment, those of its pod template.
deployment() {
  cat >"$folder/$1.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1, namespace: team, annotations: {$2}}
spec:
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}, annotations: {$3}}
    spec:
      containers: [{name: main, image: example.com/main:1.0}]
YAML
}
skip='checkov.io/skip1: CKV_K8S_43=the digest is set when it is released'
deployment none '' ''
deployment template '' "$skip"
deployment itself "$skip" ''

seen=$(for name in none template itself; do
  "$folder/python/bin/checkov" --framework kubernetes --check CKV_K8S_43 --compact --quiet --output json \
    --file "$folder/$name.yaml" 2>/dev/null | python3 -c 'import json, sys
summary = json.load(sys.stdin)["summary"]
print(sys.argv[1] + ":", "failed", summary["failed"], "skipped", summary["skipped"])' "$name"
done)
expected='none: failed 1 skipped 0
template: failed 1 skipped 0
itself: failed 0 skipped 1'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
