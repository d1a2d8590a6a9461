#!/usr/bin/env bash
# Installs a program that only tests need, and that Debian lacks, from npm:
#   install_npm_program.sh DIR PACKAGE@VERSION PROGRAM
# makes DIR/node_modules/.bin/PROGRAM. Fails, and says why, where there is no
# npm, no network, or a Node that the program does not run on.
set -euo pipefail
dir=$1
package=$2
program=$dir/node_modules/.bin/$3
mkdir -p "$dir"
[ "$(cat "$dir/installed" 2>/dev/null)" != "$package" ] || exit 0
command -v npm >/dev/null || {
  echo "skipped: there is no npm; scripts/install_deps.sh clients installs it"
  exit 1
}
# --ignore-scripts: a package runs nothing of its own while it is installed.
timeout 300 npm install --prefix "$dir" --ignore-scripts --no-save --no-audit \
  --no-fund "$package" >"$dir/npm.log" 2>&1 || {
  echo "skipped: $package cannot be installed: $(tail -1 "$dir/npm.log")"
  exit 1
}
"$program" --version >"$dir/version.log" 2>&1 || {
  echo "skipped: $package does not run here: $(tail -1 "$dir/version.log")"
  exit 1
}
echo "$package" >"$dir/installed"
