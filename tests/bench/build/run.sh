#!/usr/bin/env bash
# `make bench-build [SIZES=small,middle,movielens-20m,huge] [THREADS=2]`: how
# long builds of generated data take, beside what is on PyPI, which is installed
# under build/ and nowhere else.
set -euo pipefail
cd "$(dirname "$0")/../../.."
work=build/bench-build
venv=$work/venv
mkdir -p "$work"
if [ ! -e "$venv/ready" ]; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet \
    implicit==0.7.3 scipy
  touch "$venv/ready"
fi
exec "$venv/bin/python" tests/bench/build/bench_build.py \
  --bin build/bin --work "$work" --sizes "${SIZES:-small,middle}" \
  --threads "${THREADS:-2}"
