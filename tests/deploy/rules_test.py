"""The rules by themselves: their syntax, their cases, and what they point to."""

import json
import re
import subprocess
import sys
import unittest

import yaml

sys.dont_write_bytecode = True
import expressions
from small_deployment import ROOT

CASES = sorted((ROOT / "tests/deploy/rules").glob("*_test.yml"))


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                          check=False)


def anchors(page):
    """The fragments of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Rules(unittest.TestCase):
    maxDiff = None

    def test_are_rules_to_promtool(self):
        checked = run("promtool", "check", "rules", "--lint-fatal", *expressions.RULES)
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)
        checked = run("promtool", "check", "config", ROOT / "deploy/prometheus/prometheus.yml")
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)

    def test_fire_and_keep_quiet_in_their_cases(self):
        tested = run("promtool", "test", "rules", *CASES)
        self.assertEqual(0, tested.returncode, tested.stdout + tested.stderr)

    def test_groups_have_different_names(self):
        """The files become one PrometheusRule, whose groups must."""
        names = [group["name"] for path in expressions.RULES
                 for group in yaml.safe_load(path.read_text())["groups"]]
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_each_alert_has_a_case_of_both_kinds(self):
        fires, quiet = set(), set()
        for path in CASES:
            for case in yaml.safe_load(path.read_text())["tests"]:
                for expected in case["alert_rule_test"]:
                    (fires if expected["exp_alerts"] else quiet).add(expected["alertname"])
        alerts = {rule["alert"] for rule in expressions.rules() if "alert" in rule}
        self.assertEqual(alerts, fires)
        self.assertEqual(alerts, quiet)

    def test_each_alert_says_what_to_do(self):
        for rule in expressions.rules():
            if "alert" not in rule:
                continue
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
                notes = rule["annotations"]
                self.assertEqual({"summary", "description", "runbook_url"}, set(notes))
                page, _, anchor = notes["runbook_url"].partition("#")
                self.assertIn(anchor, anchors(ROOT / page))


class Dashboards(unittest.TestCase):
    def test_are_what_the_script_makes(self):
        made = run(sys.executable, ROOT / "deploy/grafana/generate.py", "--check")
        self.assertEqual(0, made.returncode, made.stderr)

    def test_have_their_own_names_and_places(self):
        dashboards = [json.loads(path.read_text()) for path in expressions.DASHBOARDS]
        self.assertEqual(len(dashboards), len({d["uid"] for d in dashboards}))
        for dashboard in dashboards:
            panels = dashboard["panels"]
            self.assertEqual(len(panels), len({panel["id"] for panel in panels}))
            taken = set()
            for panel in panels:
                at = panel["gridPos"]
                cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                         for y in range(at["y"], at["y"] + at["h"])}
                self.assertFalse(taken & cells, f"{dashboard['uid']}: {panel['title']}")
                self.assertLessEqual(at["x"] + at["w"], 24)
                taken |= cells


class AnExpression(unittest.TestCase):
    """What the tests read off an expression."""

    def test_names_its_metrics(self):
        self.assertEqual({"a_total", "b:ratio"}, expressions.metric_names(
            'sum by (job, le) (rate(a_total{c="d",e=~"f g"}[5m])) / on (x) group_left () '
            "(b:ratio > 14.4 * 0.001) or absent(a_total)"))

    def test_answers_always_with_bool(self):
        self.assertEqual('a{b!="c"} > bool 3 and (d == bool 0)',
                         expressions.always_answering('a{b!="c"} > 3 and (d == 0)'))
        self.assertEqual('a{b=~"c"} >= bool 3', expressions.always_answering('a{b=~"c"} >= 3'))


if __name__ == "__main__":
    # The directory of programs, which is not needed here.
    unittest.main(argv=sys.argv[:1])
