#!/usr/bin/env bash
# What the GitHub Action does: annotations, a SARIF file, and a summary of the job. Exits as `tiller-guard check` does.
# Uses an installed tiller-guard, and downloads it if there is none.
set -euo pipefail

main() {
  local program sarif=${TILLER_GUARD_SARIF:-tiller-guard.sarif} code=0 text
  program=$(command -v tiller-guard) || {
    local folder="${RUNNER_TEMP:-/tmp}/tiller-guard"
    "$(dirname "$0")/download.sh" "$TILLER_GUARD_VERSION" "$folder"
    program=$folder/tiller-guard
  }
  local -a paths excluded words=()
  read -r -d '' -a paths <<<"${TILLER_GUARD_PATHS:-.}" || true
  read -r -d '' -a excluded <<<"${TILLER_GUARD_EXCLUDE:-}" || true
  for pattern in "${excluded[@]}"; do words+=("--exclude=$pattern"); done
  [ -z "${TILLER_GUARD_FAIL_ON:-}" ] || words+=("--fail-on=$TILLER_GUARD_FAIL_ON")
  [ -z "${TILLER_GUARD_BASELINE:-}" ] || words+=("--baseline=$TILLER_GUARD_BASELINE")
  text=$(mktemp)
  "$program" check "${words[@]}" -o "sarif=$sarif" -o "text=$text" -o github -- "${paths[@]}" || code=$?
  echo "sarif=$sarif" >>"${GITHUB_OUTPUT:-/dev/null}"
  { echo '### tiller-guard'; sed 's/^/    /' "$text"; } | head -c 900000 >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  rm -f "$text"
  exit "$code"
}

main
