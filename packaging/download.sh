#!/usr/bin/env bash
# Downloads the tiller-guard of a release into a folder, and checks its SHA-256: download.sh VERSION FOLDER
set -euo pipefail

readonly RELEASES="${TILLER_GUARD_RELEASES:-https://github.com/tiller-guard/tiller-guard/releases/download}"

fail() { printf 'error: %s\n' "$*" >&2; exit 2; }

main() {
  local version=$1 folder=$2 archive
  [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.-]*$ ]] || fail "version '$version' must look like v1.2.3"
  case "$(uname -s)/$(uname -m)" in
    Linux/x86_64) archive=tiller-guard-$version-x86_64-unknown-linux-musl.tar.gz ;;
    Linux/aarch64 | Linux/arm64) archive=tiller-guard-$version-aarch64-unknown-linux-musl.tar.gz ;;
    *) fail "there is no binary for $(uname -s) on $(uname -m); build tiller-guard from source" ;;
  esac
  mkdir -p "$folder"
  cd "$folder"
  for file in "$archive" "$archive.sha256"; do
    curl --fail --silent --show-error --location --retry 3 --output "$file" "$RELEASES/$version/$file" ||
      fail "$file of $version cannot be downloaded"
  done
  sha256sum --check --quiet "$archive.sha256" || fail "the SHA-256 of $archive differs from the published one"
  tar -xzf "$archive" tiller-guard
}

main "$@"
