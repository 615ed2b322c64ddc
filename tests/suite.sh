#!/usr/bin/env bash
# Runs all tests against the API server in KUBEBUILDER_ASSETS, and ends with the tests that it cannot have: by name,
# with the reason, and counted.
#
# A test that fails is run a second time, alone. One that passes then is reported as unsteady, with what it said the
# first time; more than three of them are a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$("$KUBEBUILDER_ASSETS/kube-apiserver" --version)
skipped=$(mktemp)
log=$(mktemp)
trap 'rm -f "$skipped" "$log"' EXIT
export TILLER_GUARD_SKIPPED=$skipped
# What a test says is not to drown in the frames of its runner.
export RUST_BACKTRACE=${TEST_BACKTRACE:-0}

# Whether the tests that failed pass alone, and nothing else went wrong.
second_try() {
  local targets failed name
  # A target that does not build, or ends without a summary, has no tests to try again.
  targets=$(sed -n 's/^error: \([0-9]*\) targets\{0,1\} failed:$/\1/p' "$log")
  [ "${targets:-0}" = "$(grep -c '^test result: FAILED' "$log")" ] || return 1
  mapfile -t failed < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort -u)
  [ "${#failed[@]}" -ge 1 ] && [ "${#failed[@]}" -le 3 ] || return 1
  for name in "${failed[@]}"; do
    echo "second try of $name" >&2
    cargo test --locked --lib --bins --tests --examples -- --exact "$name" || return 1
  done
  printf 'unsteady: %s failed, and passed alone (see above)\n' "${failed[@]}"
}

echo "Running the tests with $version in $KUBEBUILDER_ASSETS" >&2
code=0
cargo test --locked --no-fail-fast --lib --bins --tests --examples 2>&1 | tee "$log" || code=$?
if [ "$code" != 0 ] && second_try; then code=0; fi
[ "$code" != 0 ] || cargo test --locked --doc || code=$?

sort -u "$skipped" | sed 's/^/skipped: /'
count=$(awk -F': ' '{ print $1 }' "$skipped" | sort -u | wc -l)
echo "$version: $count tests skipped"
# In a long output nobody finds it again.
[ "$code" = 0 ] || grep -h -A 4 ' panicked at ' "$log" | cut -c 1-400 | tail -n 60 || true
exit "$code"
