#!/usr/bin/env bash
# Checks proto/ with Buf, as buf.yaml says: lint, and that no client of the last
# release breaks (proto/released.binpb).
#   buf_test.sh DIR     keeps the program in DIR
set -euo pipefail
mkdir -p "$1"
dir=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/scripts/install_npm_program.sh" "$dir" @bufbuild/buf@1.75.0 buf || exit 77
export PATH="$dir/node_modules/.bin:$PATH" BUF_CACHE_DIR="$dir/cache"

cd "$root"
buf lint
buf breaking --against proto/released.binpb

# A field that changes its number is found, so that the image is not an empty one.
rm -rf "$dir/changed"
mkdir "$dir/changed"
cp -r buf.yaml proto "$dir/changed"
cd "$dir/changed"
sed -i 's/uint32 page_size = 23;/uint32 page_size = 123;/' proto/tributary/v1/retrieval.proto
if buf breaking --against proto/released.binpb >"$dir/found"; then
  echo "buf breaking misses a field whose number has changed"
  exit 1
fi
grep -q '"23".*"page_size"' "$dir/found" || { cat "$dir/found"; exit 1; }
