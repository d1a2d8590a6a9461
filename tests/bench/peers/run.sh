#!/usr/bin/env bash
# `make bench-peers`: our search beside ScaNN's and hnswlib's, and under filters
# beside FAISS. They come from PyPI, are installed under build/ and nowhere
# else. PEERS_HNSWLIB=0 leaves out hnswlib, which takes minutes to build. What
# `make bench` measured of the service goes into the same results.json.
set -euo pipefail
cd "$(dirname "$0")/../../.."
work=build/bench/peers
venv=$work/venv
mkdir -p "$work"
if [ ! -e "$venv/ready" ]; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet numpy scann==1.4.2 hnswlib==0.8.0 \
    matplotlib faiss-cpu==1.15.1
  touch "$venv/ready"
fi
if [ ! -e "$work/als/CURRENT" ]; then
  rm -rf "$work/als" && mkdir -p "$work/als"
  build/bin/tributary build --data debian --out "$work/als" --version 1 \
    --validation_share 0 --threads "${THREADS:-2}"
  echo 1 > "$work/als/CURRENT"
fi
"$venv/bin/python" tests/bench/peers/filtered.py --bench build/bin/ann_bench \
  --work "$work" --threads "${THREADS:-2}"
exec "$venv/bin/python" tests/bench/peers/compare.py \
  --bench build/bin/ann_bench --work "$work" \
  --bundles "$work/als" --threads "${THREADS:-2}" \
  --hnswlib "${PEERS_HNSWLIB:-1}" \
  --service $(ls build/bench/*/service.json 2>/dev/null)
