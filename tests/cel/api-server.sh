#!/usr/bin/env bash
# Prints a program that compiles and evaluates conditions as kube-apiserver does, and builds it first if there is none:
# tests/cel/main.go on the API server's own library, k8s.io/apiserver, as Debian's newest suite packages it.
#
# Nothing is installed: the library, its dependencies and Go are unpacked in a cache folder (about 150 MB and a minute,
# once). Exits with 3 if Debian's archive does not give what is needed: that suite moves every day.
set -euo pipefail

readonly HERE="$(cd "$(dirname "$0")" && pwd)"
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly WORK="$CACHE/cel-api-server"
readonly PROGRAM="$WORK/evaluate-$(cksum <"$HERE/main.go" | cut -d ' ' -f 1)"
# What the library's packages depend on and the program does not need, by size: clients of clouds and compressors.
readonly MOST_BYTES=8000000

say() { printf 'tiller-guard conditions: %s\n' "$*" >&2; }
pass_over() { say "$*"; exit 3; }

archive() {
  # The mirror that this machine uses for Debian itself.
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | tr -d ' ' | sort -u | sed -n 1p
}

fetch() {
  local mirror apt
  [ -e "$WORK/fetched" ] && return
  mirror=$(archive)
  [ -n "$mirror" ] || pass_over "this machine names no mirror of Debian"
  rm -rf "$WORK"
  mkdir -p "$WORK"/{lists/partial,cache/archives/partial,parts,packages,root}
  : >"$WORK/status"
  printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n' "$mirror" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$WORK/parts/sid.sources"
  apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$WORK/parts"
    -o "Dir::State::lists=$WORK/lists" -o "Dir::State::status=$WORK/status" -o "Dir::Cache=$WORK/cache"
    -o Acquire::Languages=none -o APT::Sandbox::User=root)
  say "downloading k8s.io/apiserver and Go from Debian's newest suite"
  "${apt[@]}" update >&2 || pass_over "Debian's newest suite cannot be read"
  # A line is 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE CHECKSUM.
  "${apt[@]}" install --print-uris --no-install-recommends golang-k8s-apiserver-dev golang-go >"$WORK/uris" ||
    pass_over "Debian's newest suite has no installable golang-k8s-apiserver-dev"
  awk -v most="$MOST_BYTES" '{ split($2, name, "_") }
    name[1] ~ /^golang-1\./ || (name[1] ~ /^golang-/ && $3 < most) { print name[1] }' "$WORK/uris" |
    (cd "$WORK/packages" && xargs "${apt[@]}" download >&2) || pass_over "not all packages can be downloaded"
  local package
  for package in "$WORK"/packages/*.deb; do dpkg-deb -x "$package" "$WORK/root"; done
  rm -rf "$WORK"/{packages,cache,lists}
  touch "$WORK/fetched"
}

build() {
  local source="$WORK/gopath/src/evaluate"
  GOROOT=$(find "$WORK/root/usr/lib" -maxdepth 1 -name 'go-1.*' | sort -V | tail -n 1)
  export GOROOT GO111MODULE=off GOFLAGS= GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0
  export GOPATH="$WORK/gopath:$WORK/root/usr/share/gocode" GOCACHE="$WORK/go-cache"
  mkdir -p "$source"
  cp "$HERE/main.go" "$source/"
  say "building the evaluator (a minute, once)"
  (cd "$source" && "$GOROOT/bin/go" build -trimpath -ldflags=-s -o "$PROGRAM.new" .) >&2 ||
    pass_over "the evaluator does not build with the library of Debian's newest suite"
  mv "$PROGRAM.new" "$PROGRAM"
}

mkdir -p "$CACHE"
exec 9>"$CACHE/cel-lock"
flock 9
if [ ! -x "$PROGRAM" ]; then
  command -v apt-get >/dev/null || pass_over "this is no Debian machine"
  (fetch)
  (build)
fi
echo "$PROGRAM"
