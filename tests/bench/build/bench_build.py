"""How long a build takes, and how much memory, beside `implicit` on equal data.

Usage: bench_build.py --bin DIR --work DIR [--sizes small,middle] [--threads N]

For each size, in one run: a first build with all choices made, a build with
--like, and in processes of their own implicit's ALS (64 dimensions, 15
iterations) and TF-IDF neighbours. Recall is that on the newest tenth of each
user's interactions, which nobody is shown.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import generate


@dataclasses.dataclass(frozen=True)
class Size:
  interactions: int
  users: int
  items: int
  # Peers that took hours would say nothing more.
  with_peers: bool = True


SIZES = {
    "small": Size(200_000, 12_000, 10_000),
    "middle": Size(2_000_000, 100_000, 30_000),
    "movielens-20m": Size(20_000_000, 140_000, 27_000),
    "huge": Size(100_000_000, 5_000_000, 500_000, with_peers=False),
}
PREFIXES = (20, 100, 500)
HELD_OUT = 0.1


@dataclasses.dataclass
class Run:
  """What a process took."""
  seconds: float
  cpu_seconds: float
  peak_bytes: int
  output: str


def measure(command, log):
  """Runs a program; its errors go to the file `log`."""
  start = time.perf_counter()
  with open(log, "wb") as errors, subprocess.Popen(
      [str(word) for word in command], stdout=subprocess.PIPE,
      stderr=errors) as process:
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
  seconds = time.perf_counter() - start
  if process.returncode != 0:
    raise SystemExit(f"{' '.join(map(str, command))}: status "
                     f"{process.returncode}; see {log}")
  return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024,
             output)


def show(name, run, size, recall=None):
  line = (f"{name:28s} {run.seconds:9.1f} {run.cpu_seconds:9.1f} "
          f"{run.peak_bytes / 1e6:9.0f} {run.peak_bytes / size:8.0f}")
  if recall is not None:
    line += "  " + " ".join(f"{recall[k]:.4f}" for k in PREFIXES)
  print(line, flush=True)


def recall_of(args, bundle, test, work):
  figures = work / "recall.json"
  measure([args.bin / "tributary", "eval", "--bundle", bundle, "--test", test,
           "--json", figures, "--threads", args.threads, "-k",
           ",".join(map(str, PREFIXES))], work / "eval.log")
  measured = json.loads(figures.read_text())["recall"]["fused"]
  return {k: measured[str(k)] for k in PREFIXES}


def bench(args, name):
  size = SIZES[name]
  work = args.work / name
  work.mkdir(parents=True, exist_ok=True)
  data = work / "interactions.csv"
  if not data.exists():
    unfinished = data.with_suffix(".part")
    generate.generate(unfinished, size.interactions, size.users, size.items)
    unfinished.rename(data)
  print(f"\n{name}: {size.interactions} interactions, {size.users} users, "
        f"{size.items} items; {args.threads} threads")
  print(f"{'':28s} {'seconds':>9s} {'cpu':>9s} {'peak MB':>9s} "
        f"{'B/inter.':>8s}  recall@" + " @".join(map(str, PREFIXES)))
  bundles, test = work / "bundles", work / "test.inter"
  shutil.rmtree(bundles, ignore_errors=True)
  build = [args.bin / "tributary", "build", "--data", f"csv:{data}", "--out",
           bundles, "--threads", args.threads, "--holdout", HELD_OUT,
           "--test-out", test]
  first = measure(build, work / "build.log")
  show("tributary build", first, size.interactions,
       recall_of(args, bundles / "1", test, work))
  again = measure(build + ["--like", bundles / "1"], work / "like.log")
  show("tributary build --like", again, size.interactions,
       recall_of(args, bundles / "2", test, work))
  print(f"{'--like, of the first':28s} {again.seconds / first.seconds:9.2f} "
        f"{again.cpu_seconds / first.cpu_seconds:9.2f}")
  if not size.with_peers:
    return
  for model in ("als", "tfidf"):
    peer = measure(
        [sys.executable, pathlib.Path(__file__).with_name("peer.py"), model,
         data, test, args.threads], work / f"{model}.log")
    figures = json.loads(peer.output)
    peer.seconds = figures["seconds"]
    show(f"implicit {model}, training", peer, size.interactions,
         {k: figures["recall"][str(k)] for k in PREFIXES})
  print(f"where the time went: {work / 'build.log'}")


def main():
  parser = argparse.ArgumentParser(
      description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
  parser.add_argument("--bin", type=pathlib.Path, required=True)
  parser.add_argument("--work", type=pathlib.Path, required=True)
  parser.add_argument("--sizes", default="small,middle",
                      help=f"of {', '.join(SIZES)}")
  parser.add_argument("--threads", type=int, default=2)
  args = parser.parse_args()
  for name in args.sizes.split(","):
    if name not in SIZES:
      parser.error(f"--sizes: {name} is none of {', '.join(SIZES)}")
  with open("/proc/cpuinfo", encoding="ascii") as lines:
    model = next((line.split(":")[1].strip() for line in lines
                  if line.startswith("model name")), "unknown")
  print(f"processor: {model}, {os.cpu_count()} threads")
  for name in args.sizes.split(","):
    bench(args, name)


if __name__ == "__main__":
  main()
