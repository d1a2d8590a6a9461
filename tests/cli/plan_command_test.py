"""`tributary plan --bundle` beside what real servers have resident.

    plan_command_test.py DIRECTORY_OF_PROGRAMS
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import numpy as np

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/deploy"))
from small_deployment import Program  # noqa: E402

BINARIES = None
DIM = 64
# How far the plan may be off.
TOLERANCE = 0.15


def write_bundle(bundle, items, users):
    """A bundle of random vectors, as docs/bundle_format.md writes one."""
    bundle.mkdir(parents=True)
    random = np.random.default_rng(7)
    for name, count in (("items", items), ("users", users)):
        np.save(bundle / f"{name}.keys.npy", np.arange(1, count + 1, dtype="<u8"))
        vectors = random.standard_normal((count, DIM), dtype=np.float32)
        np.save(bundle / f"taste.{name}.npy", vectors.astype("<f2"))
    np.save(bundle / "popularity.all.npy", np.arange(items, dtype="<u4"))
    np.save(bundle / "popularity.all.scores.npy",
            np.arange(items, 0, -1).astype("<f4"))
    (bundle / "manifest.json").write_text(json.dumps({
        "format": 1, "version": int(bundle.name),
        "items": {"kind": "UINT64", "count": items},
        "users": {"kind": "UINT64", "count": users},
        "spaces": [{"name": "taste", "dim": DIM, "metric": "INNER_PRODUCT",
                    "fingerprint": "random", "itemVectors": items,
                    "userVectors": users, "index": {"kind": "flat"}}],
        "popularity": [{"name": "all", "count": items}],
        "retrievers": [{"name": "taste", "kind": "vector", "space": "taste"},
                       {"name": "popularity", "kind": "popularity", "lists": ["all"]}],
        "files": [{"name": file.name, "sizeBytes": file.stat().st_size,
                   "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
                  for file in sorted(bundle.iterdir())]}))


def plan(*flags):
    done = subprocess.run([BINARIES / "tributary", "plan", *map(str, flags)],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def figures(*flags):
    status, out, error = plan(*flags, "--json")
    assert status == 0, error
    return {name: line["value"] for name, line in json.loads(out).items()}


class PlanTest(unittest.TestCase):
    def check_resident(self, items, users):
        with tempfile.TemporaryDirectory(prefix="tributary-plan-") as folder:
            folder = pathlib.Path(folder)
            bundle = folder / "bundles" / "1"
            write_bundle(bundle, items, users)
            planned = figures("--bundle", bundle)
            on_disk = sum(f.stat().st_size for f in bundle.iterdir()
                          if f.name != "manifest.json")
            self.assertEqual(planned["version"], on_disk)
            server = Program(folder / "server.log", [
                BINARIES / "tributary-server", "--bundles", folder / "bundles",
                "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "off",
                "--control", f"unix:{folder}/control.sock"])
            try:
                server.find(r"event=listening grpc=(\S+)")
                status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            finally:
                server.stop()
            resident = 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))
            print(f"{items} items, {users} users: planned {planned['resident'] / 1e6:.0f} MB, "
                  f"resident {resident / 1e6:.0f} MB")
            self.assertLess(abs(planned["resident"] / resident - 1), TOLERANCE,
                            (planned, resident))
            # The same, planned from the numbers alone; the bundle has no index.
            guess = figures("--items", items, "--users", users, "--dim", DIM,
                            "--spaces", 1, "--tables", 0)
            self.assertLess(abs((guess["version"] - guess["indexes"]) / on_disk - 1), 0.01)

    def test_a_small_bundle_takes_what_is_planned(self):
        self.check_resident(20_000, 5_000)

    def test_a_large_bundle_takes_what_is_planned(self):
        self.check_resident(600_000, 300_000)

    def test_prints_the_arithmetic(self):
        status, out, error = plan("--items", "50M", "--dim", "128", "--users", "300M",
                                  "--qps", "20k", "--history", "50")
        self.assertEqual(status, 0, error)
        for pattern in (r"item vectors +23\.8 GiB +=  ?2 spaces x 50M items x 128 values x 2 B",
                        r"user vectors +71\.5 GiB", r"one version +", r"a server +",
                        r"cores +[0-9.]+ +=  ?20k calls/s x [0-9]+ us / 0\.5",
                        r"replicas +[0-9]+ ", r"time of a download, s +"):
            self.assertRegex(out, pattern)

    def test_says_what_is_wrong(self):
        for flags, text in (((), "--items: expected the number of items, or --bundle"),
                            (("--items", "many"), '--items: "many", expected a number'),
                            (("--items", "5", "--utilisation", "2"),
                             "--utilisation: 2, expected above 0 to 1"),
                            (("--items", "5", "--cores", "0"), "--cores: 0, expected at least 1"),
                            (("--items", "5", "--bandwidth", "0"), "--bandwidth: 0, expected"),
                            (("--bundle", "/nowhere"), "/nowhere")):
            status, _, error = plan(*flags)
            self.assertEqual(status, 1, flags)
            self.assertIn(text, error)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BINARIES = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
