#!/usr/bin/env bash
# Lets checkov look at all that is installed, by `install` and by the chart, and at the image's recipe. What it may find is
# explained on the object itself, or in checkov.yaml.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly VERSION=3.3.30
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly HOME_OF_PYTHON="$CACHE/checkov-$VERSION"

python=$(tests/chart/environment.sh)
if [ ! -e "$HOME_OF_PYTHON/complete" ]; then
  echo "tiller-guard chart tests: installing checkov $VERSION in $HOME_OF_PYTHON, once" >&2
  rm -rf "$HOME_OF_PYTHON"
  "$python" -m venv "$HOME_OF_PYTHON"
  "$HOME_OF_PYTHON/bin/pip" install --quiet --disable-pip-version-check "checkov==$VERSION" >&2
  touch "$HOME_OF_PYTHON/complete"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
policy="$folder/policy.yaml"
printf '%s\n' 'apiVersion: tiller-guard.io/v1' 'kind: Policy' 'runAsUser: project' >"$policy"
install() { cargo run --locked --quiet -- install --output yaml --kubernetes 1.36 "${@:2}" >"$folder/$1.yaml"; }
# Everything that the chart makes with these values, as a stream.
render() {
  printf '{"do": "render", "chart": "charts/tiller-guard", "namespace": "tiller-guard", "values": %s}' "$2" |
    "$python" tests/chart/helm.py | "$python" -c '
import json, sys
for name, text in json.load(sys.stdin).items():
    if not name.endswith("NOTES.txt"):
        print("---\n" + text)
' >"$folder/$1.yaml"
}
everything='"certManager": {"enabled": true}, "metrics": {"serviceMonitor": {"enabled": true},
  "prometheusRule": {"enabled": true}, "dashboard": {"enabled": true}}'
install installed
install installed-elsewhere --policy "$policy" --aks --host-network --review-port=10443 --health-port=10444 --renew-certificates
render chart '{"kubeVersion": "1.36"}'
render chart-elsewhere "{\"kubeVersion\": \"1.36\", \"aks\": true, \"hostNetwork\": true, \"renewCertificates\": true, $everything}"
checkov=("$HOME_OF_PYTHON/bin/checkov" --config-file tests/chart/checkov.yaml)
for name in installed installed-elsewhere chart chart-elsewhere; do
  "${checkov[@]}" --framework kubernetes --file "$folder/$name.yaml"
done
"${checkov[@]}" --framework dockerfile --file Dockerfile
"${checkov[@]}" --framework github_actions --file .github/workflows/release.yaml
