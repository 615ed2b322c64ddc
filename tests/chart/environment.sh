#!/usr/bin/env bash
# Prints a Python with helm-python-sdk (Helm 4's engine) and makes it first where there is none: a virtual
# environment in a cache folder of the user's.
set -euo pipefail

readonly VERSION=0.2.2
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly HOME_OF_PYTHON="$CACHE/helm-python-sdk-$VERSION"

say() { printf 'tiller-guard chart tests: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "cannot run as root: $*. Run that yourself"
  fi
}

make_environment() {
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    say "installing Debian packages: python3 python3-venv"
    as_root apt-get update -qq >&2 || say "apt-get update reported errors; going on with the lists it has"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv \
      </dev/null >&2 || fail "cannot install python3-venv: install it"
  fi
  say "installing helm-python-sdk $VERSION in $HOME_OF_PYTHON, once"
  rm -rf "$HOME_OF_PYTHON"
  python3 -m venv "$HOME_OF_PYTHON"
  "$HOME_OF_PYTHON/bin/pip" install --quiet --disable-pip-version-check "helm-python-sdk==$VERSION" >&2 ||
    fail "cannot install helm-python-sdk $VERSION from the package index"
  touch "$HOME_OF_PYTHON/complete"
}

mkdir -p "$CACHE"
exec 9>"$CACHE/helm-lock"
flock 9
[ -e "$HOME_OF_PYTHON/complete" ] || make_environment
echo "$HOME_OF_PYTHON/bin/python"
