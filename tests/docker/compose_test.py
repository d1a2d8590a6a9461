"""docker/compose.yaml: that it is valid, that the files that it mounts are in
the tree, and that its commands do what they are for. No image is fetched: the
programs of this build run the commands, and versitygw is the store.

    compose_test.py PROGRAMS      the directory of the programs of this build

Needs python3-yaml; what else is missing skips a part of it.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker/compose.yaml"
PATIENCE_S = 60
SKIPPED = 77

programs = pathlib.Path()
versitygw = pathlib.Path()


def read(path):
    import yaml  # main() has looked for it.
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class File(unittest.TestCase):
    def setUp(self):
        self.services = read(COMPOSE)["services"]

    def test_docker_compose_takes_it(self):
        if not shutil.which("docker-compose"):
            self.skipTest("there is no docker-compose")
        shown = subprocess.run(
            ["docker-compose", "-f", COMPOSE, "config", "--quiet"], text=True,
            capture_output=True, check=False)
        self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_what_it_mounts_is_in_the_tree(self):
        mounted = 0
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((COMPOSE.parent / source).is_dir(),
                                    f"{name}: {source}")
                    mounted += 1
                else:
                    self.assertIn(source, read(COMPOSE)["volumes"], name)
        self.assertGreater(mounted, 0)

    def test_the_image_is_that_of_this_version(self):
        version = re.search(r"project\(tributary VERSION ([0-9.]+)",
                            (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertIn(f"localhost/tributary:{version}",
                      self.services["server"]["image"])

    def test_prometheus_scrapes_the_admin_of_the_server(self):
        config = read(ROOT / "deploy/prometheus/prometheus.yml")
        targets = [target for job in config["scrape_configs"]
                   for group in job.get("static_configs", [])
                   for target in group["targets"]]
        admin = next(word for word in self.services["server"]["command"]
                     if word.startswith("--admin="))
        self.assertIn(f"server:{admin.split(':')[1]}", targets)

    def test_the_server_may_drain_before_it_is_killed(self):
        settings = (ROOT / "config/server.yaml").read_text()
        drain_ms = sum(int(re.search(rf"^  {name}: (\d+)$", settings, re.M)[1])
                       for name in ("drain_ms", "drain_delay_ms"))
        grace = self.services["server"]["stop_grace_period"]
        self.assertGreaterEqual(int(grace.removesuffix("s")) * 1000,
                                drain_ms + 3000)


class Demo(unittest.TestCase):
    """The commands of the file, with hosts and directories of this test."""

    def setUp(self):
        if not versitygw.is_file():
            self.skipTest(f"there is no {versitygw}: "
                          "scripts/build_versitygw.sh builds it")
        if not shutil.which("curl"):
            self.skipTest("there is no curl")
        self.services = read(COMPOSE)["services"]
        folder = tempfile.TemporaryDirectory(prefix="tributary-compose-")
        self.addCleanup(folder.cleanup)
        self.scratch = pathlib.Path(folder.name)
        self.ports = {port: free_port() for port in (7070, 7700, 7701, 7702)}

    def command(self, name):
        service = self.services[name]
        words = []
        for word in service["command"]:
            for volume in service.get("volumes", []):
                source, target = volume.split(":")[:2]
                (self.scratch / source).mkdir(exist_ok=True)
                word = re.sub(rf"(?<![\w/]){target}\b",
                              str(self.scratch / source), word)
            word = re.sub(r"//store:", "//127.0.0.1:", word)
            word = re.sub(r"(?<=[=:])\*(?=:)", "127.0.0.1", word)
            for port, mine in self.ports.items():
                word = re.sub(rf":{port}\b", f":{mine}", word)
            words.append(word)
        return words

    def environment(self, name):
        return {**os.environ, **self.services[name].get("environment", {})}

    def run_once(self, name, program=None, more=()):
        words = [*self.command(name), *more]
        words = [program, *words] if program else [
            str(programs / words[0]), *words[1:]]
        done = subprocess.run(words, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False,
                              env=self.environment(name))
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}")

    def start(self, name, program=None):
        words = self.command(name)
        words = [program, *words] if program else [
            str(programs / words[0]), *words[1:]]
        log = open(self.scratch / f"{name}.log", "w", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT,
                                   env=self.environment(name))

        def stop():
            process.kill()
            process.wait()
        self.addCleanup(stop)

    def test_from_data_to_candidates(self):
        self.start("store", str(versitygw))
        self.run_once("bucket", "curl")
        # The second time, as when the demo is started again.
        self.run_once("bucket", "curl")
        # A good bundle would take minutes.
        self.run_once("build", more=[
            "--validation_share", "0", "--behavior.history.dim", "16",
            "--behavior.history.epochs", "1", "--als.dim", "16"])
        self.run_once("publish")
        self.start("server")
        self.start("loader")
        address = f"127.0.0.1:{self.ports[7700]}"
        end = time.monotonic() + PATIENCE_S
        while subprocess.run([programs / "tributary", "health", address],
                             capture_output=True, check=False).returncode:
            self.assertLess(time.monotonic(), end,
                            (self.scratch / "loader.log").read_text() +
                            (self.scratch / "server.log").read_text())
            time.sleep(0.1)
        found = subprocess.run(
            [programs / "tributary", "retrieve", "17", "-k", "3", "--address",
             address], text=True, capture_output=True, check=False)
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertIn("bundle version 1", found.stdout)


def main():
    global programs, versitygw
    programs = pathlib.Path(sys.argv.pop(1)).resolve()
    versitygw = programs.parent / "versitygw/versitygw"
    try:
        import yaml  # noqa: F401
    except ImportError:
        print("Skipped: missing: apt-get install python3-yaml")
        sys.exit(SKIPPED)
    unittest.main()


if __name__ == "__main__":
    main()
