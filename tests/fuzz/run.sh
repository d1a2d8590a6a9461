#!/usr/bin/env bash
# Builds the fuzz targets and runs each for FUZZ_SECONDS (default 10) seconds,
# JOBS (default: all cores) targets at a time, beginning with the corpora in the
# tree. Prints the number of executions of each. Inputs that make a target fail
# are written to build/fuzz/found/.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-10}
jobs=${JOBS:-$(nproc)}

command -v clang++-14 >/dev/null || {
  echo "fuzzing needs clang++-14: scripts/install_deps.sh test" >&2
  exit 1
}
cmake --preset fuzz -Wno-dev >/dev/null
cmake --build --preset fuzz --parallel "$jobs"
mkdir -p build/fuzz/found

# New inputs go to build/fuzz/corpus/, so that the tree stays as it is.
fuzz() {
  local name=$1 log=build/fuzz/$1.log
  mkdir -p "build/fuzz/corpus/$name"
  if ! "build/fuzz/bin/${name}_fuzz" -max_total_time="$2" -seed=1 \
      -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/found/$name-" \
      "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    return 1
  fi
  awk -v name="$name" '/number_of_executed_units/ {
    print "counted: " $2 " executions of fuzz target " name }' "$log"
}
export -f fuzz
ls tests/fuzz/corpus | xargs -P "$jobs" -I{} bash -c "fuzz {} $seconds"
