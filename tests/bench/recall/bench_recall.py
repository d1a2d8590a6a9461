"""Recall of `tributary build` beside that of peers, on one split.

Usage: bench_recall.py --bin DIR --work DIR [--data DATA] [--threads N]
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import time

# implicit runs its own threads, and asks that BLAS have one. Before NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import peers  # pylint: disable=wrong-import-position

TIMED_ROUNDS = 3


def run(*command):
  return subprocess.run([str(word) for word in command], check=True,
                        stdout=subprocess.PIPE, text=True).stdout


class Table:

  def __init__(self):
    self.rows = {}
    print(f"{'':36s} {'train':>9s} "
          + " ".join(f"{'@' + str(k):>7s}" for k in peers.PREFIXES))

  def add(self, name, seconds, recall):
    self.rows[name] = recall
    took = f"{seconds:8.1f}s" if seconds is not None else " " * 9
    print(f"{name:36s} {took} "
          + " ".join(f"{recall[k]:7.4f}" for k in peers.PREFIXES), flush=True)

  def add_ratio(self, name, ours, others):
    ratios = (self.rows[ours][k] / max(self.rows[o][k] for o in others)
              for k in peers.PREFIXES)
    print(f"{name:46s} " + " ".join(f"{ratio:7.3f}" for ratio in ratios))


def add_tributary(args, split_dir, table):
  """Builds and judges a bundle; the names of its rows, fused first."""
  tributary = args.bin / "tributary"
  bundles, figures = args.work / "bundles", args.work / "recall.json"
  shutil.rmtree(bundles, ignore_errors=True)
  start = time.perf_counter()
  run(tributary, "build", "--data", f"recbole:{split_dir}", "--out", bundles,
      "--version", 1, "--threads", args.threads)
  seconds = time.perf_counter() - start
  run(tributary, "eval", "--bundle", bundles / "1", "--test",
      split_dir / "test" / "test.inter", "--json", figures, "--threads",
      args.threads, "-k", ",".join(map(str, peers.PREFIXES)))
  measured = json.loads(figures.read_text())["recall"]
  for name in sorted(measured, key=lambda name: (name != "fused", name)):
    table.add(f"tributary {name}", seconds if name == "fused" else None,
              {k: measured[name][str(k)] for k in peers.PREFIXES})


def compare_als_times(args, split_dir, split):
  """The least of some rounds' medians, taken in turns."""
  ours, theirs = [], []
  for _ in range(TIMED_ROUNDS):
    theirs.append(peers.als_iteration_ms(split, args.threads))
    ours.append(float(run(args.bin / "als_bench", "--data",
                          f"recbole:{split_dir}", "--threads", args.threads)))
  print(f"an iteration of ALS, d=64, {args.threads} threads: {min(ours):.1f} ms,"
        f" implicit {min(theirs):.1f} ms, ratio {min(ours) / min(theirs):.2f}")


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument("--bin", type=pathlib.Path, required=True)
  parser.add_argument("--work", type=pathlib.Path, required=True)
  parser.add_argument("--data", default="debian")
  parser.add_argument("--threads", type=int, default=2)
  args = parser.parse_args()
  args.work.mkdir(parents=True, exist_ok=True)

  split_dir = args.work / "split"
  shutil.rmtree(split_dir, ignore_errors=True)
  run(args.bin / "tributary", "split", "--data", args.data, "--out", split_dir)
  split = peers.Split(split_dir / "train.inter",
                      split_dir / "test" / "test.inter")
  print(f"{args.data}: {split.train.shape[0]} users, {split.train.shape[1]} "
        f"items, {split.train.nnz} interactions to train on, {split.test.nnz} "
        f"of {len(split.test_users)} users to test with")
  table = Table()
  peers.run_all(split, args.threads, table.add)
  others = list(table.rows)
  add_tributary(args, split_dir, table)
  table.add_ratio("fused / best peer", "tributary fused", others)
  if "tributary als" in table.rows:
    table.add_ratio("als / best implicit ALS", "tributary als",
                    [o for o in others if o.startswith("implicit ALS")])
  compare_als_times(args, split_dir, split)


if __name__ == "__main__":
  main()
