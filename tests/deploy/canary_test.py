"""The nightly job and the canary, run for real: two servers with stores of their
own, loaders, load, and a Prometheus that scrapes both.

    canary_test.py DIRECTORY_OF_PROGRAMS
"""

import argparse
import math
import os
import socket
import subprocess
import sys
import threading
import unittest

sys.dont_write_bytecode = True
from small_deployment import ROOT, Prometheus, SmallDeployment, wait_for, write_data

JOBS = ROOT / "deploy/jobs"
sys.path.insert(0, str(JOBS))
import canary

BINARIES = None


class Bursts(threading.Thread):
    """Sixteen calls at a time over HTTP, twenty times a second, until it is stopped."""

    REQUEST = (b"POST /v1/retrieve HTTP/1.1\r\nHost: server\r\nContent-Type: application/json\r\n"
               b"Content-Length: 26\r\n\r\n" + b'{"userKey": "u1","k": 200}')

    def __init__(self, address):
        super().__init__(daemon=True)
        host, port = address.rsplit(":", 1)
        self.sockets = [socket.create_connection((host, int(port))) for _ in range(16)]
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(0.05):
            for one in self.sockets:
                one.sendall(self.REQUEST)
            for one in self.sockets:
                one.recv(1 << 20)

    def stop(self):
        self.stopping.set()
        self.join()
        for one in self.sockets:
            one.close()


class Faults(unittest.TestCase):
    """What is a reason to bring the canary back."""

    def setUp(self):
        parser = argparse.ArgumentParser()
        canary.add_thresholds(parser)
        self.limits = parser.parse_args([])
        self.stable = self.track()

    @staticmethod
    def track(**changes):
        return canary.Track(**{"calls": 10000, "failures": 5, "p99": 0.010,
                               "recall": {"als": 0.97}, **changes})

    def found(self, **changes):
        return " ".join(canary.faults(self.track(**changes), self.stable, self.limits))

    def test_nothing_where_both_are_alike(self):
        self.assertEqual("", self.found())
        self.assertEqual("", self.found(failures=14, p99=0.0149, recall={"als": 0.951}))

    def test_failures(self):
        self.assertIn("0.16% of the calls fail", self.found(failures=16))

    def test_latency(self):
        self.assertIn("p99 is 15.1 ms", self.found(p99=0.0151))

    def test_recall(self):
        self.assertIn("recall of als is 0.949", self.found(recall={"als": 0.949}))
        self.assertIn("at least 0.900", self.found(recall={"new": 0.89}))
        self.stable.recall = {"als": 0.91}
        self.assertIn("at least 0.900", self.found(recall={"als": 0.895}))

    def test_servers_that_end(self):
        self.assertIn("restarted 1 times", self.found(restarts=1))
        self.assertIn("1 of its servers", self.found(down=1, calls=0, p99=math.nan))

    def test_few_calls_say_nothing(self):
        self.assertEqual("", self.found(calls=999, failures=999, p99=1))


class RealCanary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = deployment = SmallDeployment(BINARIES)
        cls.addClassCleanup(deployment.close)
        cls.data = deployment.folder / "data"
        write_data(cls.data)
        cls.stores = {track: deployment.folder / f"store-{track}"
                      for track in ("stable", "canary")}
        first = cls.nightly()
        if first.returncode != 0:
            raise AssertionError(first.stdout + first.stderr)
        cls.servers = {track: deployment.server(track) for track in cls.stores}
        for track, server in cls.servers.items():
            deployment.loader(server, cls.stores[track], "--allow_older",
                              "true" if track == "canary" else "false")
        cls.prometheus = deployment.start(
            Prometheus, "prometheus",
            {track: [server.admin] for track, server in cls.servers.items()})
        for server in cls.servers.values():
            wait_for("version 1", lambda s=server: s.active() == 1)
            wait_for("its scrape", lambda s=server: len(
                cls.prometheus.query("tributary_active_version == 1")) == 2)

    @classmethod
    def nightly(cls, *flags):
        return subprocess.run(
            [sys.executable, JOBS / "nightly.py", "--data", f"csv:{cls.data}",
             "--bundles", cls.deployment.built, "--store", cls.stores["stable"],
             "--canary-store", cls.stores["canary"], "--tributary",
             cls.deployment.binaries / "tributary",
             "--prometheus", getattr(getattr(cls, "prometheus", None), "url", "http://nowhere"),
             "--wait-s", "240", "--watch-s", "2", "--interval-s", "0.5", "--min-calls", "50",
             "--max-p99-ratio", "50", "--p99-slack-ms", "500",
             *(f"--build-flag={flag}" for flag in (
                 "--als.dim=8", "--behavior.history.dim=8", "--behavior.history.epochs=5",
                 "--content.dim=16", "--threads=1")), *map(str, flags)],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})

    def load(self, rate):
        """Calls all servers, `rate` times a second each, until the test ends."""
        for server in self.servers.values():
            calling = subprocess.Popen(
                [self.deployment.binaries / "tributary", "bench", "--address", server.grpc,
                 "--users", self.deployment.users_file(), "-k", "20", "--warm-up", "0",
                 "--duration", "120", "--rate", str(rate)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(calling.wait)
            self.addCleanup(calling.kill)

    def active(self):
        return {track: server.active() for track, server in self.servers.items()}

    def test_1_a_good_version_is_for_all(self):
        self.load(100)
        done = self.nightly()
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("version 2 is published for all", done.stdout)
        wait_for("version 2", lambda: self.active() == {"stable": 2, "canary": 2})

    def test_3_a_version_whose_server_ends_is_brought_back(self):
        self.load(50)
        # The servers of the canary lose their version soon after they have it.
        ending = subprocess.Popen(
            [sys.executable, "-c", f"""
import os, signal, sys, time
sys.path.insert(0, {str(ROOT / "tests/deploy")!r})
import urllib.request
while b"tributary_active_version 4" not in urllib.request.urlopen(
        "http://{self.servers['canary'].admin}/metrics").read():
    time.sleep(.05)
time.sleep(1)
os.kill({self.servers['canary'].process.pid}, signal.SIGKILL)
"""])
        self.addCleanup(ending.wait)
        self.addCleanup(ending.kill)
        done = self.nightly("--watch-s", 30, "--control", self.servers["canary"].control)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("1 of its servers do not answer", done.stdout)
        self.assertEqual(2, self.servers["stable"].active())
        self.assertEqual("2\n", (self.stores["canary"] / "CURRENT").read_text())
        self.assertEqual("2\n", (self.stores["stable"] / "CURRENT").read_text())
        self.assertIn("canary", (self.deployment.built / "4.refused").read_text())
        self.assertIn("--like " + str(self.deployment.built / "2"), done.stdout)

    def test_4_the_gate_refuses_what_lost_most_of_its_items(self):
        small = self.deployment.folder / "small"
        write_data(small, items=100)
        done = self.nightly("--data", f"csv:{small}")
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("`tributary gate` ended with 1", done.stdout)
        self.assertIn("gate", (self.deployment.built / "5.refused").read_text())
        # Neither refused version is what the next one is compared with.
        self.assertIn(f"gate {self.deployment.built / '2'} ", done.stdout)

    def test_2_control_rolls_back_at_once(self):
        """The version serves well, but too few calls came to judge it."""
        self.load(50)
        done = self.nightly("--min-calls", 10**9, "--control", self.servers["canary"].control)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("too few to judge it", done.stdout)
        self.assertEqual({"stable": 2, "canary": 2}, self.active())

    def test_5_a_canary_that_fails_calls_is_brought_back(self):
        # It refuses what comes while it answers another call.
        small = self.deployment.server("narrow", "--limits.max_concurrent_requests", "1")
        self.deployment.loader(small, self.stores["canary"], "--allow_older", "true")
        wait_for("version 2", lambda: small.active() == 2)
        prometheus = self.deployment.start(Prometheus, "another-prometheus", {
            "stable": [self.servers["stable"].admin], "canary": [small.admin]})
        self.servers = {"stable": self.servers["stable"], "canary": small}
        bursts = Bursts(small.http)
        bursts.start()
        self.addCleanup(bursts.stop)
        wait_for("scrapes", lambda: prometheus.query(
            "rate(grpc_server_handled_total{track='canary',grpc_code='OK'}[10s]) > 0"))
        done = self.nightly("--prometheus", prometheus.url, "--watch-s", 30)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"not published for all: \d+\.\d+% of the calls fail")
        wait_for("version 2 again", lambda: self.active() == {"stable": 2, "canary": 2})


if __name__ == "__main__":
    BINARIES = sys.argv.pop(1)
    unittest.main()
