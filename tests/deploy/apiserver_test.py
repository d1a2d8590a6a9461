"""The chart and kustomize at a real kube-apiserver with etcd, where PodSecurity
"restricted" is enforced. There is no kubelet: no pod runs.

    apiserver.sh DIR   builds what this needs, and runs it
"""

import json
import pathlib
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import yaml

sys.dont_write_bytecode = True
from charts_test import CHART, FOREIGN, ROOT, TOOLS, VALUES, documents, run, template, tool
from small_deployment import Program, wait_for

NAMESPACE = "tributary"
# The paths of kinds, which discovery would tell.
PATHS = {
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Service": "api/v1/namespaces/{}/services",
    "ServiceAccount": "api/v1/namespaces/{}/serviceaccounts",
    "Pod": "api/v1/namespaces/{}/pods",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "CronJob": "apis/batch/v1/namespaces/{}/cronjobs",
    "PodDisruptionBudget": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "HorizontalPodAutoscaler": "apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "ServiceMonitor": "apis/monitoring.coreos.com/v1/namespaces/{}/servicemonitors",
    "PrometheusRule": "apis/monitoring.coreos.com/v1/namespaces/{}/prometheusrules",
}
CRDS = "apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class ApiServer:
    def __init__(self, folder):
        client, peer, port = free_port(), free_port(), free_port()
        self.token = secrets.token_hex(16)
        (folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')
        subprocess.run(["openssl", "genrsa", "-out", folder / "sa.key", "2048"], check=True,
                       capture_output=True)
        self.etcd = Program(folder / "etcd.log", [
            "etcd", "--data-dir", folder / "etcd",
            "--listen-client-urls", f"http://127.0.0.1:{client}",
            "--advertise-client-urls", f"http://127.0.0.1:{client}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}"])
        self.process = Program(folder / "apiserver.log", [
            TOOLS / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{client}",
            "--bind-address=127.0.0.1", f"--secure-port={port}", f"--cert-dir={folder}",
            f"--token-auth-file={folder}/tokens.csv", "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder}/sa.key",
            f"--service-account-signing-key-file={folder}/sa.key"])
        self.url = f"https://127.0.0.1:{port}"
        self.trust = ssl.create_default_context()
        self.trust.check_hostname = False
        self.trust.verify_mode = ssl.CERT_NONE

    def is_ready(self):
        if self.process.process.poll() is not None:
            raise AssertionError(self.process.log.read_text()[-3000:])
        try:
            return self.ask("GET", "readyz", raw=True)[0] == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def close(self):
        for program in (self.process, self.etcd):
            program.process.kill()
            program.process.wait()

    def ask(self, method, path, body=None, kind="application/json", raw=False):
        """Returns (status, answer, warnings)."""
        request = urllib.request.Request(
            f"{self.url}/{path}", None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.trust) as reply:
                text = reply.read()
                return (reply.status, text if raw else json.loads(text),
                        reply.headers.get_all("Warning") or [])
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), []

    def apply(self, document, dry_run=True):
        """Server-side apply, with every unknown field an error."""
        path = PATHS[document["kind"]].format(NAMESPACE)
        # JSON is YAML.
        return self.ask("PATCH", f"{path}/{document['metadata']['name']}?fieldManager=test"
                        f"&fieldValidation=Strict{'&dryRun=All' if dry_run else ''}",
                        document, "application/apply-patch+yaml")


def pods(text):
    """Yields a Pod for each template of the manifests."""
    for document in documents(text):
        spec = document.get("spec", {})
        template_of = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template_of:
            yield {"apiVersion": "v1", "kind": "Pod", "spec": template_of["spec"],
                   "metadata": {**template_of["metadata"], "name": document["metadata"]["name"]}}


class AtAnApiServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in ("helm", "kube-apiserver", "etcd"):
            tool(name)
        temporary = tempfile.TemporaryDirectory(prefix="tributary-apiserver-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.server = ApiServer(cls.folder)
        cls.addClassCleanup(cls.server.close)
        wait_for("kube-apiserver", cls.server.is_ready)
        cls.create("api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {
                f"pod-security.kubernetes.io/{mode}": "restricted"
                for mode in ("enforce", "warn")}}})
        cls.create("apis/scheduling.k8s.io/v1/priorityclasses", {
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
            "metadata": {"name": "high"}, "value": 1000})
        for path in sorted((TOOLS / "crds").glob("*.yaml")):
            cls.create(CRDS, yaml.safe_load(path.read_text()))
        wait_for("the operator's kinds", lambda: all(
            cls.server.ask("GET", PATHS[kind].format(NAMESPACE))[0] == 200 for kind in FOREIGN))

    @classmethod
    def create(cls, path, body):
        status, answer, _ = cls.server.ask("POST", path, body)
        if status != 201:
            raise AssertionError(f"{path}: {status} {answer}")

    def applies(self, text):
        for document in documents(text):
            with self.subTest(f"{document['kind']} {document['metadata']['name']}"):
                status, answer, warnings = self.server.apply(document)
                self.assertIn(status, (200, 201), answer)
                self.assertEqual([], warnings)
        self.server.apply({"apiVersion": "v1", "kind": "ServiceAccount",
                           "metadata": {"name": "tributary"}}, dry_run=False)
        made = 0
        for pod in pods(text):
            with self.subTest(f"a pod of {pod['metadata']['name']}"):
                status, answer, _ = self.server.ask(
                    "POST", PATHS["Pod"].format(NAMESPACE) + "?dryRun=All&fieldValidation=Strict",
                    pod)
                self.assertEqual(201, status, answer)
                made += 1
        self.assertGreater(made, 0)

    def test_the_chart_applies(self):
        for values in VALUES:
            with self.subTest(values.name):
                self.applies(template(values))

    def test_kustomize_applies(self):
        for overlay in ("minimal", "full"):
            with self.subTest(overlay):
                built = run(tool("kustomize"), "build",
                            ROOT / "deploy/kustomize/overlays" / overlay)
                self.assertEqual(0, built.returncode, built.stderr)
                self.applies(built.stdout)

    def test_what_is_not_restricted_is_refused(self):
        """So that the other tests can fail."""
        pod = next(pods(template(CHART / "ci/minimal.yaml")))
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
        status, answer, _ = self.server.ask(
            "POST", PATHS["Pod"].format(NAMESPACE) + "?dryRun=All", pod)
        self.assertEqual(403, status, answer)
        self.assertIn("violates PodSecurity", str(answer))

    def test_z_helm_upgrades(self):
        """From other values of the same chart: there is no chart before this one."""
        def helm(*arguments):
            done = run(tool("helm"), *arguments, "--namespace", NAMESPACE, "--kube-apiserver",
                       self.server.url, "--kube-token", self.server.token,
                       "--kube-insecure-skip-tls-verify")
            self.assertEqual(0, done.returncode, done.stderr)
            return done.stdout

        self.server.ask("DELETE", PATHS["ServiceAccount"].format(NAMESPACE) + "/tributary")
        shown = helm("install", "tributary", CHART, "-f", CHART / "ci/minimal.yaml", "--set",
                     "image.tag=0.0.9")
        self.assertIn("dns:///tributary-headless.tributary:7700", shown)
        helm("upgrade", "tributary", CHART, "-f", CHART / "ci/everything.yaml")
        _, deployment, _ = self.server.ask(
            "GET", PATHS["Deployment"].format(NAMESPACE) + "/tributary")
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        self.assertEqual("registry.example/tributary:0.1.0", image)
        helm("rollback", "tributary", "1")
        self.assertEqual(404, self.server.ask(
            "GET", PATHS["Deployment"].format(NAMESPACE) + "/tributary-canary")[0])
        helm("uninstall", "tributary")


if __name__ == "__main__":
    unittest.main()
