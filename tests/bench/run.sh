#!/usr/bin/env bash
# `make bench`: what Tributary costs, each figure beside a floor of the same
# run. The service is measured on three bundles: 5 000 synthetic items, Debian's
# package index, and a million items.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=build/bin
dir=build/bench
mkdir -p "$dir"

echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
# store DATA: a store with a bundle of the data, built once.
store() {
  local store="$dir/$1/store"
  if [ ! -e "$store/CURRENT" ]; then
    rm -rf "${dir:?}/$1"
    mkdir -p "$dir/$1/built" "$store"
    local data=$1
    if [ "$data" = million ]; then
      /usr/bin/python3 tests/bench/mixture.py "$dir/million/vectors"
      data=vectors:$dir/million/vectors
    fi
    $bin/tributary build --data "$data" --out "$dir/$1/built" --version 1 >&2
    $bin/tributary publish "$dir/$1/built/1" "$store" >&2
  fi
  echo "$store"
}

for data in synthetic debian million; do
  bundles=$(store $data)
  echo; echo "== Retrieve, k = 500, three sources ($data) =="
  $bin/service_bench --bundles "$bundles" --name "$data" \
    --sources behavior,content,popularity --json "$dir/$data/service.json"
done
echo; echo "== gRPC's ways to run calls on threads =="
$bin/threading_bench --rounds 9
echo; echo "== Fusion of 3 x 500 proposals to 500 =="
$bin/fuse_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== Filters that nobody has used before, a million items =="
$bin/filter_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== Neighbours: 500 of 100 000 items, 200 of each item's, one thread =="
$bin/neighbor_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== Search: the best 500 of 65 536, one thread =="
$bin/search_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== Opening a bundle =="
$bin/open_bench 2>/dev/null
echo; echo "== Encoding a history of 50 items, d = 64, one thread =="
$bin/tower_bench --benchmark_min_time=0.5 2>/dev/null
echo; echo "== What a call pays for traces and the log of slow calls =="
$bin/trace_bench --benchmark_min_time=0.5 2>/dev/null
