"""The chart and kustomize: what they make, and what they refuse.

    charts_test.py DIRECTORY_OF_PROGRAMS

Needs Helm, kustomize, kube-score and kubernetes-validate, which `make deploy-test`
brings; without one of them, its tests skip themselves.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

import yaml

sys.dont_write_bytecode = True
import expressions
from small_deployment import ROOT, Program

BINARIES = None
# A Helm that is built from its module takes Kubernetes 1.20 for granted.
KUBE = ("--kube-version", "1.34.0")
CHART = ROOT / "deploy/helm/tributary"
VALUES = sorted((CHART / "ci").glob("*.yaml"))
TOOLS = pathlib.Path(os.environ.get("TRIBUTARY_DEPLOY_TOOLS", ROOT / "build/deploy-tools"))
# Of the Prometheus operator, whose schemas are not Kubernetes'.
FOREIGN = ("ServiceMonitor", "PrometheusRule")
# What kube-score wants, and why it is not so.
NOT_WANTED = {
    # The canary is meant to be lost.
    "deployment-has-poddisruptionbudget", "deployment-replicas",
    # Topology spread does it, and lets a small cluster be.
    "deployment-has-host-podantiaffinity",
    # Tags are versions, and never move.
    "container-image-pull-policy",
}


def tool(name):
    for path in (TOOLS / name, TOOLS / "venv/bin" / name):
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if not found:
        raise unittest.SkipTest(f"there is no {name}: `make deploy-test` brings it")
    return found


def run(*arguments, stdin=None):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                          check=False, input=stdin)


def template(values, *flags):
    made = run(tool("helm"), "template", "tributary", CHART, "--namespace", "tributary", *KUBE,
               "-f", values, *flags)
    if made.returncode != 0:
        raise AssertionError(made.stderr)
    return made.stdout


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def of_kind(text, kind, name=None):
    found = [d for d in documents(text)
             if d["kind"] == kind and name in (None, d["metadata"]["name"])]
    if name and not found:
        raise AssertionError(f"there is no {kind} {name}")
    return found[0] if name else found


def config_of(text, file):
    return yaml.safe_load(of_kind(text, "ConfigMap", "tributary-stable")["data"][file])


class Chart(unittest.TestCase):
    maxDiff = None

    def refused(self, *flags):
        made = run(tool("helm"), "template", "tributary", CHART, *KUBE, "-f",
                   CHART / "ci/minimal.yaml", *flags)
        self.assertNotEqual(0, made.returncode)
        return made.stderr

    def test_is_well_formed(self):
        for values in VALUES:
            with self.subTest(values.name):
                linted = run(tool("helm"), "lint", "--strict", CHART, *KUBE, "-f", values)
                self.assertEqual(0, linted.returncode, linted.stdout + linted.stderr)

    def test_makes_manifests_that_kubernetes_knows(self):
        for values in VALUES:
            with self.subTest(values.name):
                known = [d for d in documents(template(values)) if d["kind"] not in FOREIGN]
                with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                    yaml.safe_dump_all(known, file)
                    file.flush()
                    checked = run(tool("kubernetes-validate"), "--strict", file.name)
                self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)

    def test_is_as_kube_score_wants_it(self):
        for values in VALUES:
            with self.subTest(values.name):
                ignored = [flag for test in sorted(NOT_WANTED)
                           for flag in ("--ignore-test", test)]
                # Throttling would show in p99, so that the server has no limit of processors.
                scored = run(tool("kube-score"), "score", "--output-format", "ci",
                             "--ignore-container-cpu-limit", *ignored, "-",
                             stdin=template(values))
                self.assertIn("[OK]", scored.stdout, scored.stderr)
                bad = re.findall(r"^\[(?:CRITICAL|WARNING)\].*$", scored.stdout, re.MULTILINE)
                self.assertEqual([], bad)

    def test_refuses_values_that_it_does_not_know(self):
        self.assertIn("replica", self.refused("--set", "replica=3"))
        self.assertIn("store", self.refused("--set", "store.url=ftp://there"))
        self.assertIn("bundleSize", self.refused("--set", "bundleSize=1G"))
        self.assertIn("canary", self.refused("--set", "canary.enabled=true"))
        self.assertIn("bundlesClaim", self.refused("--set", "nightly.enabled=true"))
        self.assertIn("server.config.admin: the chart sets it",
                      self.refused("--set", "server.config.admin=off"))
        self.assertIn("server.config.execution.drain_ms: set server.drain instead",
                      self.refused("--set", "server.config.execution.drain_ms=5"))
        self.assertIn("loader.config.s3: the chart sets it",
                      self.refused("--set", "loader.config.s3.region=eu"))

    def test_lets_settings_be_that_it_does_not_need(self):
        text = template(CHART / "ci/minimal.yaml", "--set", "server.config.admin_only=false",
                        "--set", "server.config.execution.search_threads=3")
        config = config_of(text, "server.yaml")
        self.assertFalse(config["admin_only"])
        self.assertEqual(3, config["execution"]["search_threads"])
        self.assertEqual(10000, config["execution"]["drain_ms"])

    def test_gives_servers_the_time_that_their_drain_takes(self):
        text = template(CHART / "ci/minimal.yaml", "--set", "server.drain.delaySeconds=20",
                        "--set", "server.drain.seconds=40")
        pod = of_kind(text, "Deployment", "tributary")["spec"]["template"]["spec"]
        config = config_of(text, "server.yaml")
        execution = config["execution"]
        self.assertEqual((20000, 40000), (execution["drain_delay_ms"], execution["drain_ms"]))
        # The server ends three seconds after its drain, whatever clients do.
        self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], 20 + 40 + 3)

    def test_sizes_everything_for_three_versions(self):
        text = template(CHART / "ci/minimal.yaml", "--set", "bundleSize=2Gi")
        pod = of_kind(text, "Deployment", "tributary")["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        self.assertEqual("6208Mi", volumes["bundles"]["emptyDir"]["sizeLimit"])
        server = pod["containers"][0]["resources"]
        self.assertEqual("6656Mi", server["limits"]["memory"])
        self.assertEqual("6656Mi", server["requests"]["memory"])

    def test_a_changed_configuration_makes_new_pods(self):
        def checksum(*flags):
            deployment = of_kind(template(CHART / "ci/minimal.yaml", *flags), "Deployment",
                                 "tributary")
            return deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        self.assertEqual(checksum(), checksum("--set", "replicas=5"))
        for change in ("store.url=s3://other/shop", "server.config.limits.max_k=7",
                       "loader.config.keep=2", "server.drain.seconds=5"):
            self.assertNotEqual(checksum(), checksum("--set", change), change)

    def make_secrets(self, folder):
        """The files of the secrets for TLS and for tokens."""
        for secret in ("tls", "access"):
            (folder / secret).mkdir()
        made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-days", "1",
                   "-keyout", folder / "tls/tls.key", "-out", folder / "tls/tls.crt")
        self.assertEqual(0, made.returncode, made.stderr)
        shutil.copy(folder / "tls/tls.crt", folder / "tls/ca.crt")
        digest = hashlib.sha256(b"a token").hexdigest()
        (folder / "access/tokens").write_text(f"nightly {digest}\n")

    def test_encrypts_and_lets_in_whom_the_values_say(self):
        text = template(CHART / "ci/everything.yaml")
        config = config_of(text, "server.yaml")
        self.assertEqual({"certificate_file": "/tls/tls.crt", "private_key_file": "/tls/tls.key",
                          "client_ca_file": "/tls/ca.crt", "require_client_certificate": True},
                         config["tls"])
        self.assertEqual("/access/tokens", config["access"]["tokens_file"])
        # The loader of the pod comes by the socket.
        self.assertEqual({"who": ["socket"], "roles": ["observe", "operate"]},
                         config["access"]["grants"][0])
        self.assertIn("token:nightly", config["access"]["grants"][1]["who"])
        pod = of_kind(text, "Deployment", "tributary")["spec"]["template"]["spec"]
        secrets = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
        self.assertEqual({"tls": "tributary-tls", "access": "tributary-tokens"}, secrets)
        mounts = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
        self.assertEqual(("/tls", "/access"), (mounts["tls"], mounts["access"]))
        ports = of_kind(text, "Service", "tributary")["spec"]["ports"]
        self.assertEqual({"https"}, {port["appProtocol"] for port in ports})
        plain = template(CHART / "ci/minimal.yaml")
        self.assertNotIn("tls", config_of(plain, "server.yaml"))
        self.assertNotIn("access", config_of(plain, "server.yaml"))
        self.assertIn("need existingSecret",
                      self.refused("--set", "tls.requireClientCertificate=true"))
        self.assertIn("set tls.existingSecret instead",
                      self.refused("--set", "server.config.tls.certificate_file=x"))
        self.assertIn("set access instead",
                      self.refused("--set", "server.config.access.tokens_file=x"))

    def test_configures_programs_as_they_understand_it(self):
        """The real programs read the ConfigMap of every part, with other paths."""
        text = template(CHART / "ci/everything.yaml")
        for track in ("stable", "canary"):
            data = of_kind(text, "ConfigMap", f"tributary-{track}")["data"]
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                (folder / "keys").mkdir()
                (folder / "bundles").mkdir()
                made = run(BINARIES / "tributary", "keygen", folder / "keys/release")
                self.assertEqual(0, made.returncode, made.stderr)
                self.make_secrets(folder)
                for file, content in data.items():
                    content = content.replace("/bundles", f"{folder}/bundles")
                    for mounted in ("keys", "tls", "access"):
                        content = content.replace(f"/{mounted}/", f"{folder}/{mounted}/")
                    content = re.sub(r"0\.0\.0\.0:77\d\d", "127.0.0.1:0", content)
                    (folder / file).write_text(content)
                for program, sign in (("server", "event=(listening)"),
                                      ("loader", "event=(started)")):
                    started = Program(folder / f"{program}.log", [
                        BINARIES / f"tributary-{program}", "--config", folder / f"{program}.yaml"])
                    try:
                        started.find(sign)
                    finally:
                        started.process.kill()
                        started.process.wait()

    def test_has_the_rules_of_the_files(self):
        rules = of_kind(template(CHART / "ci/kustomize.yaml"), "PrometheusRule", "tributary")
        groups = [group for path in expressions.RULES
                  for group in yaml.safe_load(path.read_text())["groups"]]
        self.assertEqual(groups, rules["spec"]["groups"])
        rules = of_kind(template(CHART / "ci/everything.yaml"), "PrometheusRule", "tributary")
        for group in rules["spec"]["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    self.assertTrue(rule["annotations"]["runbook_url"].startswith(
                        "https://wiki.example/tributary/docs/operations.md#"))

    def test_package_follows_the_links(self):
        with tempfile.TemporaryDirectory() as folder:
            packed = run(tool("helm"), "package", CHART, "--destination", folder)
            self.assertEqual(0, packed.returncode, packed.stderr)
            with tarfile.open(next(pathlib.Path(folder).glob("*.tgz"))) as archive:
                names = archive.getnames()
        for path in ("rules/slo.yml", "dashboards/overview.json", "jobs/canary.py"):
            self.assertIn(f"tributary/files/{path}", names)
        self.assertFalse([name for name in names if "__pycache__" in name or "/ci/" in name])


class Kustomize(unittest.TestCase):
    maxDiff = None

    @staticmethod
    def built(overlay):
        made = run(tool("kustomize"), "build", ROOT / "deploy/kustomize/overlays" / overlay)
        if made.returncode != 0:
            raise AssertionError(made.stderr)
        return made.stdout

    def test_is_what_the_chart_makes(self):
        tool("helm")
        checked = run(sys.executable, ROOT / "deploy/kustomize/generate.py", "--check")
        self.assertEqual(0, checked.returncode, checked.stderr)

    def test_the_full_overlay_says_the_same(self):
        def by_name(text):
            found = {}
            for document in documents(text):
                metadata = document["metadata"]
                metadata.pop("namespace", None)
                found[document["kind"], metadata["name"]] = document
                spec = document.get("spec", {})
                template = spec.get("template", spec.get("jobTemplate", {}).get("spec", {})
                                    .get("template", {}))
                for labels in (metadata["labels"], template.get("metadata", {}).get("labels", {})):
                    labels.pop("helm.sh/chart", None)
                    labels.pop("app.kubernetes.io/managed-by", None)
            return found
        chart = by_name(template(CHART / "ci/kustomize.yaml"))
        kustomize = by_name(self.built("full"))
        self.assertEqual(sorted(chart), sorted(kustomize))
        for name, document in chart.items():
            self.assertEqual(document, kustomize[name], name)

    def test_the_minimal_overlay_changes_what_it_says(self):
        text = self.built("minimal")
        deployment = of_kind(text, "Deployment", "tributary")
        self.assertEqual(2, deployment["spec"]["replicas"])
        pod = deployment["spec"]["template"]["spec"]
        for container in pod["containers"] + pod["initContainers"]:
            self.assertEqual("registry.example/tributary:0.1.0", container["image"])
        self.assertEqual("s3://our-models/shop", config_of(text, "loader.yaml")["store"])


if __name__ == "__main__":
    BINARIES = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
