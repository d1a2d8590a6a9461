"""What PromQL expressions of dashboards and rules name."""

import json
import re

import yaml

from small_deployment import ROOT

RULES = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
# Words of the language that are followed by a list of labels or by an operand.
WORDS = {"and", "or", "unless", "by", "on", "without", "ignoring", "group_left", "group_right",
         "bool", "offset", "inf", "nan"}


def rules():
    """Yields the rules of all files."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def panels():
    """Yields (dashboard, title of the panel, expression)."""
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield path.name, panel["title"], target["expr"]
        for annotation in dashboard["annotations"]["list"]:
            yield path.name, annotation["name"], annotation["expr"]
        for variable in dashboard["templating"]["list"]:
            asked = re.fullmatch(r"label_values\((.*), \w+\)", str(variable["query"]))
            if asked:
                yield path.name, variable["name"], asked.group(1)


def filled_in(expression):
    """An expression with the variables of a dashboard."""
    return (expression.replace("$__rate_interval", "10s").replace("$job", "tributary")
            .replace("$instance", ".*"))


def always_answering(expression):
    """The expression of an alert, with comparisons that give 0 instead of nothing."""
    return re.sub(r"(?<![<>=!{,\w\"])(==|>=|<=|>|<)(?![=~\"])", r"\1 bool", expression)


def metric_names(expression):
    """The metrics that an expression names."""
    text = re.sub(r'"[^"]*"', "", expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    names = re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)\b(?!\s*\()", text)
    return {name for name in names if name not in WORDS}
