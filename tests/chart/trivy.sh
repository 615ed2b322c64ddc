#!/usr/bin/env bash
# Lets Trivy look at all that is installed, by `install` and by the chart. It may find only what docs/platforms.md explains,
# with the entries of a .trivyignore that stand there.
set -euo pipefail
cd "$(dirname "$0")/../.."

trivy=$(tests/scanners/trivy.sh)
[ -n "$trivy" ] || exit 0
python=$(tests/chart/environment.sh)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/installed"
cargo run --locked --quiet -- install --output yaml --kubernetes 1.36 --renew-certificates >"$folder/installed/install.yaml"
printf '{"do": "render", "chart": "charts/tiller-guard", "namespace": "tiller-guard", "values": {"kubeVersion": "1.36", "renewCertificates": true}}' |
  "$python" tests/chart/helm.py | "$python" -c '
import json, sys
for name, text in json.load(sys.stdin).items():
    if not name.endswith("NOTES.txt"):
        print("---\n" + text)
' >"$folder/installed/chart.yaml"
# The entries as they stand in the page.
sed -n '/```text/,/```/p' docs/platforms.md | grep -E '^ *(AVD-)?KSV' | tr -d ' ' >"$folder/ignored"
found() {
  "$trivy" config --quiet --skip-check-update --format json "$@" "$folder/installed" | "$python" -c '
import json, sys
for result in json.load(sys.stdin).get("Results", []):
    for found in result.get("Misconfigurations", []):
        print(found["AVDID"], result["Target"], found["Message"])'
}
all=$(found | cut -d" " -f1 | sort -u | tr '\n' ' ')
left=$(found --ignorefile "$folder/ignored")
echo "Trivy finds $all"
[ -z "$left" ] || { printf 'Trivy finds what docs/platforms.md does not explain:\n%s\n' "$left" >&2; exit 1; }
for entry in $(grep AVD "$folder/ignored"); do
  case " $all" in *" $entry "*) ;; *) echo "docs/platforms.md explains $entry, which Trivy does not find" >&2; exit 1 ;; esac
done
