"""Every query of the dashboards and rules, asked of a Prometheus that scrapes a
real server with a loader and load:

    monitoring_test.py DIRECTORY_OF_PROGRAMS
"""

import json
import re
import sys
import unittest
import urllib.request

sys.dont_write_bytecode = True
import expressions
from small_deployment import Prometheus, SmallDeployment, wait_for

BINARIES = None
# Panels whose query may well give nothing: Prometheus has the series ALERTS only
# while an alert fires, and an annotation is a change of just now.
MAY_BE_EMPTY = {"Alerts", "activations"}
# Not of the server: what Prometheus itself makes.
OF_PROMETHEUS = {"up", "ALERTS"}
# Alerts on something that is missing give nothing while it is there.
ABSENT = "absent("


def exposed_names(metrics):
    """Names of the samples that /metrics may have, those of histograms included."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", metrics, re.MULTILINE):
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} \
            if kind == "histogram" else {name}
    return names


class Monitoring(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.deployment = deployment = SmallDeployment(BINARIES)
        cls.addClassCleanup(deployment.close)
        # An index of codes, because recall of exact ones is not measured.
        deployment.build(1, "--index.kind", "scan")
        deployment.build(2, "--index.kind", "scan")
        store = deployment.folder / "store"
        deployment.run("publish", deployment.built / "1", store)
        cls.server = server = deployment.server("bundles", "--live_recall.sample_share", "0.2")
        deployment.loader(server, store)
        cls.prometheus = deployment.start(Prometheus, "prometheus", {"stable": [server.admin]},
                                          rules=expressions.RULES)
        wait_for("version 1", lambda: server.active() == 1)
        # Prometheus begins to scrape 5 s after its start, and a rate needs a
        # value from before the load.
        wait_for("a scrape", lambda: cls.prometheus.query("tributary_active_version"))
        cls.put_load()
        deployment.run("change", store, "--remove", "no-such-item")
        deployment.run("publish", deployment.built / "2", store)
        wait_for("version 2", lambda: server.active() == 2)
        deployment.run("control", "label", "canary", 1, "--share", 0.1,
                       "--control", server.control)
        cls.put_load()
        # Rates need two scrapes, and rules one evaluation after them.
        wait_for("live recall", lambda: cls.prometheus.query(
            'tributary:live_recall:ratio_rate30m{k="asked"}'))
        wait_for("live changes", lambda: cls.prometheus.query("tributary_changes_lag_seconds"))
        wait_for("the label", lambda: cls.prometheus.query("tributary_label_version"))

    @classmethod
    def put_load(cls):
        cls.deployment.run("bench", "--address", cls.server.grpc, "--users",
                           cls.deployment.users_file(), "-k", 50, "--rate", 200,
                           "--warm-up", 0, "--duration", 1.5)
        request = urllib.request.Request(f"http://{cls.server.http}/v1/retrieve",
                                         json.dumps({
                                             "userKey": "u1", "k": 5,
                                             "filter": {"where": "genres : kind1"},
                                             "caps": [{"attribute": "genres", "max": 3}],
                                         }).encode())
        with urllib.request.urlopen(request) as reply:
            json.load(reply)

    def test_every_panel_has_data(self):
        for dashboard, panel, expression in expressions.panels():
            with self.subTest(f"{dashboard}: {panel}: {expression}"):
                query = expressions.filled_in(expression)
                if panel in MAY_BE_EMPTY:
                    self.prometheus.query(query)
                else:
                    # The newest scrape may be still on its way.
                    answer = self.prometheus.query(query)
                    self.assertTrue(answer or wait_for(query, lambda q=query:
                                                       self.prometheus.query(q)))

    def test_every_rule_works(self):
        for rule in expressions.rules():
            with self.subTest(rule.get("alert") or rule["record"]):
                expression = rule["expr"]
                answer = self.prometheus.query(expressions.always_answering(expression))
                if ABSENT not in expression:
                    self.assertTrue(answer, expression)
        loaded = [rule for group in self.prometheus.get("rules")["groups"]
                  for rule in group["rules"]]
        self.assertEqual(sum(1 for _ in expressions.rules()), len(loaded))
        for rule in loaded:
            self.assertEqual("ok", rule["health"], rule)

    def test_names_are_those_of_the_server(self):
        known = exposed_names(self.server.metrics()) | OF_PROMETHEUS | {
            rule["record"] for rule in expressions.rules() if "record" in rule}
        for where, expression in [
                *((f"{d}: {p}", expressions.filled_in(e)) for d, p, e in expressions.panels()),
                *((str(r.get("alert") or r["record"]), r["expr"]) for r in expressions.rules())]:
            with self.subTest(where):
                self.assertEqual(set(), expressions.metric_names(expression) - known)

    def test_no_alert_fires_at_a_server_that_is_well(self):
        firing = {alert["labels"]["alertname"]
                  for alert in self.prometheus.get("alerts")["alerts"]
                  if alert["state"] == "firing"}
        # How long calls take is a matter of what else the machine has to do.
        self.assertEqual(set(), {name for name in firing if "Latency" not in name})


if __name__ == "__main__":
    BINARIES = sys.argv.pop(1)
    unittest.main()
