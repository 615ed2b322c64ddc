#!/usr/bin/env bash
# Lets checkov look at all that is installed and at the image's recipe; checkov.yaml explains what it may find.
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
cargo run --locked --quiet -- install --output yaml --kubernetes 1.36 >"$folder/installation.yaml"
checkov=("$HOME_OF_PYTHON/bin/checkov" --config-file tests/chart/checkov.yaml)
"${checkov[@]}" --framework kubernetes --file "$folder/installation.yaml"
"${checkov[@]}" --framework dockerfile --file Dockerfile
"${checkov[@]}" --framework github_actions --file .github/workflows/release.yaml
