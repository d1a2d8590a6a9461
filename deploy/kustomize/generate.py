#!/usr/bin/env python3
"""Writes the manifests of base/ and components/ from the chart, with Helm.

    generate.py           writes them
    generate.py --check   exits with 1 where a file is not what the chart makes

The values are deploy/helm/tributary/ci/kustomize.yaml.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import yaml

FOLDER = pathlib.Path(__file__).resolve().parent
CHART = FOLDER.parent / "helm/tributary"
HEAD = "# generate.py writes this file from deploy/helm/tributary; change that.\n"
MONITORING = ("ServiceMonitor", "PrometheusRule")


def target(document):
    """The file to which a manifest belongs."""
    name, labels = document["metadata"]["name"], document["metadata"]["labels"]
    if document["kind"] in MONITORING or name.endswith("-dashboards"):
        return "components/monitoring/monitoring.yaml"
    if name.endswith(("-nightly", "-jobs")):
        return "components/nightly/nightly.yaml"
    if labels.get("track") == "canary":
        return "components/canary/canary.yaml"
    return "base/tributary.yaml"


def without_helm(text):
    """A manifest without what only Helm knows."""
    text = re.sub(r"^# Source: .*\n|[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n", "", text,
                  flags=re.MULTILINE)


def manifests(helm):
    """{file: text}"""
    made = subprocess.run(
        [helm, "template", "tributary", str(CHART), "--namespace", "tributary", "--kube-version",
         "1.34.0", "-f", str(CHART / "ci/kustomize.yaml")],
        capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(made.stderr)
    files = {}
    for part in re.split(r"^---\n", made.stdout, flags=re.MULTILINE):
        text = without_helm(part).strip("\n") + "\n"
        document = yaml.safe_load(text)
        if document:
            files.setdefault(target(document), []).append(text)
    return {name: HEAD + "---\n" + "---\n".join(parts) for name, parts in files.items()}


def main():
    tools = FOLDER.parents[1] / "build/deploy-tools/helm"
    helm = str(tools) if tools.exists() else shutil.which("helm")
    if not helm:
        sys.exit("There is no helm; `make deploy-test` brings one.")
    wanted = manifests(helm)
    if sys.argv[1:] == ["--check"]:
        wrong = [name for name, text in wanted.items()
                 if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
        if wrong:
            sys.exit(f"{', '.join(wrong)}: not what the chart makes; run generate.py")
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
