#!/usr/bin/env bash
# Prints the path of Prometheus' own promtool, and fetches it first where there is none: Debian's package `prometheus`,
# downloaded and unpacked in a cache folder of the user's, not installed, as installing it starts a server.
#
# Where it cannot be had the path is empty: the tests that need it say so and are passed over.
set -euo pipefail

readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly PROGRAM="$CACHE/prometheus/promtool"
readonly WORK="$CACHE/build-prometheus"

say() { printf 'tiller-guard promtool: %s\n' "$*" >&2; }
pass_over() { say "$*; the tests of metrics and alerts by promtool are passed over"; exit 0; }

# Lists and cache of our own, so that nobody has to be root.
fetch() {
  local apt="$WORK/apt" options
  rm -rf "$WORK"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  options=(-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=)
  say "downloading Debian's package prometheus, once"
  cd "$WORK"
  apt-get "${options[@]}" update -qq >&2 || say "some package lists could not be read; going on with the others"
  apt-get "${options[@]}" download -qq prometheus >&2 || return 1
  dpkg-deb -x prometheus_*.deb unpacked || return 1
  mkdir -p "$(dirname "$PROGRAM")"
  install unpacked/usr/bin/promtool "$PROGRAM.new"
  mv "$PROGRAM.new" "$PROGRAM"
  rm -rf "$WORK"
}

main() {
  command -v promtool && return
  mkdir -p "$CACHE"
  exec 9>"$CACHE/prometheus-lock"
  flock 9
  if [ ! -x "$PROGRAM" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || pass_over "this is no Debian"
    (fetch) </dev/null || pass_over "Debian's archive gave no package prometheus"
  fi
  echo "$PROGRAM"
}

main
