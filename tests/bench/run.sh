#!/usr/bin/env bash
# `make bench`: what Tributary costs, each figure beside a floor of the same
# run. The service is measured on a bundle of Debian's package index.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=build/bin
dir=build/bench
mkdir -p "$dir"

echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
if [ ! -e "$dir/store/CURRENT" ]; then
  rm -rf "$dir/built" "$dir/store"
  mkdir -p "$dir/built" "$dir/store"
  $bin/tributary build --data debian --out "$dir/built" --version 1
  $bin/tributary publish "$dir/built/1" "$dir/store"
fi
echo; echo "== Retrieve, k = 500, three sources (debian) =="
$bin/service_bench --bundles "$dir/store"
echo; echo "== Fusion of 3 x 500 proposals to 500 =="
$bin/fuse_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== Neighbours: 500 of 100 000 items, 200 of each item's, one thread =="
$bin/neighbor_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== Search: the best 500 of 65 536, one thread =="
$bin/search_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== Opening a bundle =="
$bin/open_bench 2>/dev/null
echo; echo "== Encoding a history of 50 items, d = 64, one thread =="
$bin/tower_bench --benchmark_min_time=0.5 2>/dev/null
