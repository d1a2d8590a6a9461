#!/usr/bin/env python3
"""Tries a version on a few servers, and publishes it for all if it does well.

The servers of the track "canary" follow a store of their own. This program
publishes the version there, waits until they serve it, and compares them with
the servers of the track "stable" for a while, by what Prometheus has of both:
failed calls, p99, live recall, restarts. Then it publishes the version to the
store of all servers. Otherwise it brings the canary back to the version before,
and exits with 1.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# Calls of callers, and what of them is no fault of the server.
CALLS = 'grpc_service=~"tributary.v1.Retrieval|http"'
FAILED = 'grpc_code=~"Unknown|DeadlineExceeded|ResourceExhausted|Internal|Unavailable|DataLoss"'


class Stopped(Exception):
    """Why the version is not for all."""


@dataclasses.dataclass
class Track:
    """What the servers of one track did while they were compared."""
    calls: float = 0
    failures: float = 0
    p99: float = math.nan
    # By retriever; without those that were not sampled.
    recall: dict = dataclasses.field(default_factory=dict)
    restarts: float = 0
    down: float = 0

    @property
    def failed_share(self):
        return self.failures / self.calls if self.calls else 0


def faults(canary, stable, limits):
    """Why the canary is worse than the others; nothing if it is not."""
    found = []
    if canary.down:
        found.append(f"{canary.down:.0f} of its servers do not answer Prometheus")
    if canary.restarts:
        found.append(f"its servers were restarted {canary.restarts:.0f} times")
    if canary.calls < limits.min_calls:
        # Shares and quantiles of a few calls say nothing.
        return found
    if canary.failed_share > stable.failed_share + limits.max_failed_share:
        found.append(f"{canary.failed_share:.2%} of the calls fail, and {stable.failed_share:.2%} "
                     f"of the others'; at most {limits.max_failed_share:.2%} more may")
    longest = stable.p99 * limits.max_p99_ratio + limits.p99_slack_ms / 1000
    if canary.p99 > longest:
        found.append(f"p99 is {canary.p99 * 1000:.1f} ms, and {stable.p99 * 1000:.1f} ms of the "
                     f"others; at most {longest * 1000:.1f} ms may be")
    for name, recall in sorted(canary.recall.items()):
        of_others = stable.recall.get(name, math.nan)
        least = max(of_others - limits.max_recall_drop, limits.min_recall) \
            if not math.isnan(of_others) else limits.min_recall
        if recall < least:
            found.append(f"live recall of {name} is {recall:.3f}, expected at least {least:.3f}")
    return found


class Prometheus:
    """Asks again for half a minute when Prometheus cannot be reached."""

    def __init__(self, url, selector, interval_s):
        self.url = url.rstrip("/")
        self.selector = selector
        # One scrape that failed is no server that is gone.
        self.gone_ms = max(1000, round(2000 * interval_s))

    def query(self, expression):
        url = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        pauses_s = [1, 2, 4, 8, 16]
        while True:
            try:
                with urllib.request.urlopen(url, timeout=30) as reply:
                    return json.load(reply)["data"]["result"]
            except urllib.error.HTTPError as error:
                raise Stopped(
                    f"Prometheus refuses {expression!r}: {error.read().decode()}") from None
            except OSError:
                if not pauses_s:
                    raise
                time.sleep(pauses_s.pop(0))

    def number(self, expression, otherwise=0.0):
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else otherwise

    def at(self, track, more=""):
        """Labels that select the servers of a track."""
        return f'{{{self.selector},track="{track}"{"," if more else ""}{more}}}'

    def track(self, name, seconds):
        over = f"[{max(1, math.ceil(seconds))}s]"
        calls, failed = self.at(name, CALLS), self.at(name, f"{CALLS},{FAILED}")
        asked = self.at(name, 'k="asked"')
        recall = self.query(
            f"sum by (retriever) (increase(tributary_live_recall_hits_total{asked}{over})) / "
            f"(sum by (retriever) (increase(tributary_live_recall_expected_total{asked}{over}))"
            " > 0)")
        return Track(
            calls=self.number(f"sum(increase(grpc_server_handled_total{calls}{over}))"),
            failures=self.number(f"sum(increase(grpc_server_handled_total{failed}{over}))"),
            p99=self.number("histogram_quantile(0.99, sum by (le) (increase("
                            f"grpc_server_handling_seconds_bucket{calls}{over})))", math.nan),
            recall={one["metric"]["retriever"]: float(one["value"][1]) for one in recall},
            restarts=self.number(f"sum(changes(process_start_time_seconds{self.at(name)}{over}))"),
            down=self.number(
                f"count(max_over_time(up{self.at(name)}[{self.gone_ms}ms]) == 0)"))


class Canary:
    def __init__(self, arguments):
        self.arguments = arguments
        self.version = version_of(arguments.bundle)
        self.prometheus = Prometheus(arguments.prometheus, arguments.selector,
                                     arguments.interval_s)

    def publish(self, bundle, store):
        command = [self.arguments.tributary, "publish", str(bundle), store,
                   *self.arguments.publish_flag]
        say(" ".join(command))
        done = subprocess.run(command, check=False)
        if done.returncode != 0:
            raise Stopped(f"`tributary publish` ended with {done.returncode}")

    def wait_until_served(self):
        at = self.prometheus.at("canary")
        end = time.monotonic() + self.arguments.wait_s
        while True:
            servers = self.prometheus.number(f"count(up{at})")
            serving = self.prometheus.number(
                f"count(tributary_active_version{at} == {self.version})")
            if servers and serving == servers:
                say(f"{serving:.0f} servers of the canary serve version {self.version}")
                return
            if self.prometheus.query(
                    f"tributary_loader_last_refused_version{at} == {self.version}"):
                raise Stopped(f"a server of the canary refused version {self.version}; "
                              "`tributary control status` there says why")
            if time.monotonic() > end:
                raise Stopped(f"{serving:.0f} of {servers:.0f} servers of the canary serve version "
                              f"{self.version} after {self.arguments.wait_s:.0f} s")
            time.sleep(self.arguments.interval_s)

    def watch(self):
        begin = time.monotonic()
        while True:
            time.sleep(self.arguments.interval_s)
            seconds = time.monotonic() - begin
            canary = self.prometheus.track("canary", seconds)
            stable = self.prometheus.track("stable", seconds)
            say(f"after {seconds:.0f} s: {canary.calls:.0f} calls, "
                f"{canary.failed_share:.2%} failed, p99 {canary.p99 * 1000:.1f} ms; "
                f"of the others {stable.calls:.0f}, {stable.failed_share:.2%}, "
                f"{stable.p99 * 1000:.1f} ms")
            found = faults(canary, stable, self.arguments)
            if found:
                raise Stopped("; ".join(found))
            if seconds >= self.arguments.watch_s:
                break
        if canary.calls < self.arguments.min_calls:
            raise Stopped(f"the canary had {canary.calls:.0f} calls, too few to judge it; "
                          f"expected at least {self.arguments.min_calls}")

    def bring_back(self):
        if self.arguments.control:
            for address in self.arguments.control:
                self.roll_back(address)
        if self.arguments.back_to:
            self.publish(self.arguments.back_to, self.arguments.canary_store)

    def roll_back(self, address):
        """At once, where the control plane of a server can be reached."""
        control = [self.arguments.tributary, "control"]
        done = subprocess.run([*control, "status", "--json", "--control", address],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            say(f"{address}: {done.stderr.strip()}")
        elif int(json.loads(done.stdout).get("activeVersion", 0)) == self.version:
            subprocess.run([*control, "rollback", "--control", address], check=False)

    def run(self):
        self.publish(self.arguments.bundle, self.arguments.canary_store)
        self.wait_until_served()
        self.watch()
        self.publish(self.arguments.bundle, self.arguments.store)


def version_of(bundle):
    if not re.fullmatch(r"[1-9][0-9]*", bundle.name):
        raise Stopped(f"{bundle}: a bundle's directory must be named by its version")
    return int(bundle.name)


def say(text):
    print(f"canary: {text}", flush=True)


def add_thresholds(parser):
    parser.add_argument("--wait-s", type=float, default=1800, metavar="S",
                        help="how long the canary may take to serve the version (%(default)s)")
    parser.add_argument("--watch-s", type=float, default=1800, metavar="S",
                        help="how long it is compared with the others (%(default)s)")
    parser.add_argument("--interval-s", type=float, default=30, metavar="S",
                        help="how often (%(default)s)")
    parser.add_argument("--min-calls", type=int, default=1000, metavar="N",
                        help="fewer calls are too few to judge by (%(default)s)")
    parser.add_argument("--max-failed-share", type=float, default=0.001, metavar="SHARE",
                        help="of the calls that may fail more than at the others (%(default)s)")
    parser.add_argument("--max-p99-ratio", type=float, default=1.3, metavar="RATIO",
                        help="p99 of the canary to that of the others (%(default)s)")
    parser.add_argument("--p99-slack-ms", type=float, default=2, metavar="MS",
                        help="that p99 may be longer besides (%(default)s)")
    parser.add_argument("--max-recall-drop", type=float, default=0.02, metavar="RECALL",
                        help="by which live recall of a source may be lower (%(default)s)")
    parser.add_argument("--min-recall", type=float, default=0.9, metavar="RECALL",
                        help="that live recall of a source must have (%(default)s)")


def add_places(parser, needed):
    parser.add_argument("--store", required=True, help="the store of all servers")
    parser.add_argument("--canary-store", required=needed, metavar="STORE",
                        help="the store of the track canary")
    parser.add_argument("--prometheus", required=needed, metavar="URL",
                        help="that scrapes both tracks")
    parser.add_argument("--selector", default='job="tributary"', metavar="LABELS",
                        help="of all servers in Prometheus (%(default)s)")
    parser.add_argument("--control", action="append", default=[], metavar="ADDRESS",
                        help="control plane of a server of the canary, to roll back at once; "
                        "may be given several times")
    parser.add_argument("--tributary", default="tributary", metavar="PROGRAM",
                        help="the program (%(default)s)")
    parser.add_argument("--publish-flag", action="append", default=[], metavar="FLAG",
                        help="passed on to `tributary publish`, as in "
                        "--publish-flag=--endpoint=http://minio:9000")


def run(arguments):
    """Returns the exit status."""
    try:
        canary = Canary(arguments)
        try:
            canary.run()
        except BaseException:
            canary.bring_back()
            raise
    except (Stopped, OSError) as why:
        say(f"not published for all: {why}")
        return 1
    say(f"version {canary.version} is published for all")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=pathlib.Path, required=True,
                        help="the directory of the version to try")
    parser.add_argument("--back-to", type=pathlib.Path, metavar="BUNDLE",
                        help="the version before, to which the store of the canary is brought "
                        "back; its loaders need allow_older")
    add_places(parser, needed=True)
    add_thresholds(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
