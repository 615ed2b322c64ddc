#!/usr/bin/env bash
# Prints the krew manifest of a release, with the sums of the *.sha256 files in a folder: krew.sh VERSION FOLDER
set -euo pipefail

main() {
  local version=$1 folder=$2 text architecture sum
  text=$(<"$(dirname "$0")/krew.yaml")
  for architecture in x86_64 aarch64; do
    read -r sum _ <"$folder/tiller-guard-$version-$architecture-unknown-linux-musl.tar.gz.sha256"
    [[ $sum =~ ^[0-9a-f]{64}$ ]] || { echo "error: the sum for $architecture is no SHA-256" >&2; exit 1; }
    text=${text//SHA256_${architecture^^}/$sum}
  done
  # The comment at the top names the placeholders.
  sed -e '/^#/d' -e "s/VERSION/$version/g" <<<"$text"
}

main "$@"
