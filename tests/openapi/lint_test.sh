#!/usr/bin/env bash
# Lints docs/openapi.json with Redocly CLI.
#   lint_test.sh DIR     keeps the program in DIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/scripts/install_npm_program.sh" "$1" @redocly/cli@2.77.0 redocly || exit 77
# It counts its users otherwise, and looks for newer versions.
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
"$1/node_modules/.bin/redocly" lint --config "$root/tests/openapi/redocly.yaml" \
  "$root/docs/openapi.json"
