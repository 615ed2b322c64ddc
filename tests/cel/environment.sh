#!/usr/bin/env bash
# Prints a Python with cel-expr-python (CEL's implementation in C++, which checks types) and makes it first if there is
# none: a virtual environment in a cache folder of the user's.
set -euo pipefail

readonly PACKAGES=(cel-expr-python==0.1.3 protobuf==7.35.1)
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly FOLDER="$CACHE/cel-expr-python-0.1.3"
readonly HERE="$(cd "$(dirname "$0")" && pwd)"

say() { printf 'tiller-guard conditions: %s\n' "$*" >&2; }

make_environment() {
  # The environment of the chart's tests installs what Python lacks here.
  "$HERE/../chart/environment.sh" >/dev/null
  say "installing ${PACKAGES[*]} in $FOLDER, once"
  rm -rf "$FOLDER"
  python3 -m venv "$FOLDER"
  "$FOLDER/bin/pip" install --quiet --disable-pip-version-check "${PACKAGES[@]}" >&2 ||
    { say "cannot install ${PACKAGES[*]} from the package index"; exit 1; }
  touch "$FOLDER/complete"
}

mkdir -p "$CACHE"
exec 9>"$CACHE/cel-python-lock"
flock 9
[ -e "$FOLDER/complete" ] || make_environment
echo "$FOLDER/bin/python"
