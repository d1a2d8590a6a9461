#!/usr/bin/env bash
# Tests client/node: that its generated code is what the protos say, and that
# its own tests pass.
#   node_test.sh DIR BINARIES     works in DIR, and keeps the packages there
set -euo pipefail
mkdir -p "$1"
work=$(cd "$1" && pwd)
binaries=$(cd "$2" && pwd)
root=$(cd "$(dirname "$0")/../../.." && pwd)

skip() {
  echo "skipped: $*"
  exit 77
}
for program in node npm; do
  command -v $program >/dev/null ||
    skip "there is no $program; scripts/install_deps.sh clients installs it"
done
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 18 ] || skip "Node $(node --version) is older than 18"

# As in the tree, with what the tests read beside it.
client=$work/client/node
mkdir -p "$client" "$work/config"
cp "$root/config/service_config.json" "$work/config/"
find "$client" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name installed.json \
  -exec rm -rf {} +
(cd "$root/client/node" && tar -c --exclude=./node_modules .) | tar -x -C "$client"
cd "$client"
if ! cmp -s package-lock.json installed.json; then
  rm -f installed.json
  timeout 300 npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1 ||
    skip "the packages cannot be installed, see $work/npm.log: $(tail -1 "$work/npm.log")"
  cp package-lock.json installed.json
fi

rm -rf "$work/stubs"
"$root/scripts/generate_clients.sh" node node_modules/.bin "$work/stubs"
diff -ru "$work/stubs/client/node/lib/gen" lib/gen || {
  echo "stale; make them anew, after npm ci in client/node:"
  echo "  scripts/generate_clients.sh node client/node/node_modules/.bin"
  exit 1
}

TRIBUTARY_BIN_DIR=$binaries npm test --silent
