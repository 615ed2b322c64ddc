#!/bin/sh
# Makes release.rs of release.proto, by protoc and buffa's plugin. Run it after each change of release.proto.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet grpcio-tools==1.85.1
cargo install --quiet --locked --root "$folder" --version 0.9.2 protoc-gen-buffa
"$folder/python/bin/python" -m grpc_tools.protoc --proto_path=. \
  --plugin=protoc-gen-buffa="$folder/bin/protoc-gen-buffa" --buffa_opt=views=false --buffa_out="$folder" release.proto
mv "$folder/release.rs" release.rs
