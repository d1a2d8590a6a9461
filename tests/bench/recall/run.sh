#!/usr/bin/env bash
# `make bench-recall [DATA=recbole:DIR]`: recall beside that of what is on PyPI,
# which is installed under build/ and nowhere else.
set -euo pipefail
cd "$(dirname "$0")/../../.."
work=build/bench-recall
venv=$work/venv
mkdir -p "$work"
if [ ! -e "$venv/ready" ]; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet implicit==0.7.3 scipy
  touch "$venv/ready"
fi
exec "$venv/bin/python" tests/bench/recall/bench_recall.py \
  --bin build/bin --work "$work" --data "${DATA:-debian}" \
  --threads "${THREADS:-2}"
